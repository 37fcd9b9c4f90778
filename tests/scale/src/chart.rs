//! Line charts as SVG, for pages that are light or dark.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
const LEGEND_LINE: f64 = 18.0;
/// Told apart also by those who see few colours.
const COLOURS: [&str; 7] = [
    "#d55e00", "#e69f00", "#56b4e9", "#0072b2", "#009e73", "#cc79a7", "#777777",
];

/// How an axis runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Axis {
    /// Evenly, from 0 up to.
    Even(f64),
    /// By powers of ten, from up to.
    Powers(f64, f64),
}

/// One chart.
#[derive(Clone, Debug)]
pub(crate) struct Chart<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: (&'a str, Axis),
    pub(crate) y: (&'a str, Axis),
    /// A level that matters, and what it is.
    pub(crate) level: Option<(f64, &'a str)>,
    pub(crate) lines: Vec<(String, Vec<(f64, f64)>)>,
}

impl Axis {
    /// From 0 to 1; what is beyond stays at the end.
    fn place(self, value: f64) -> f64 {
        let place = match self {
            Self::Even(to) => value / to,
            Self::Powers(from, to) => (value.max(from) / from).log10() / (to / from).log10(),
        };
        place.clamp(0.0, 1.0)
    }

    fn marks(self) -> Vec<f64> {
        match self {
            Self::Even(to) => (0..=5).map(|fifth| to * f64::from(fifth) / 5.0).collect(),
            Self::Powers(from, to) => {
                let powers = (to / from).log10().round() as i32;
                (0..=powers)
                    .map(|power| from * 10_f64.powi(power))
                    .collect()
            }
        }
    }
}

impl Chart<'_> {
    /// The file's text.
    pub(crate) fn to_svg(&self) -> String {
        let height = HEIGHT + LEGEND_LINE * self.lines.len() as f64;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             font-family=\"system-ui, sans-serif\" font-size=\"12\">\n<title>{0}</title>\n\
             <style>text {{ fill: #222 }} .grid {{ stroke: #8884 }} \
             @media (prefers-color-scheme: dark) {{ text {{ fill: #ddd }} }}</style>\n\
             <text x=\"{LEFT}\" y=\"20\" font-size=\"15\">{0}</text>\n",
            self.title
        );
        self.draw_axes(&mut svg);
        if let Some((level, what)) = self.level {
            let y = self.y_of(level);
            let x = WIDTH - RIGHT;
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{x}\" stroke=\"#c00\" stroke-dasharray=\"6 4\"/>\
                 <text x=\"{}\" y=\"{:.1}\">{what}</text>",
                LEFT + 6.0,
                y - 5.0
            );
        }
        for (number, (name, points)) in self.lines.iter().enumerate() {
            let colour = COLOURS[number % COLOURS.len()];
            let points: Vec<String> = points
                .iter()
                .map(|(x, y)| format!("{:.1} {:.1}", self.x_of(*x), self.y_of(*y)))
                .collect();
            let y = HEIGHT + LEGEND_LINE * number as f64;
            let _ = writeln!(
                svg,
                "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
                 <path d=\"M{LEFT} {y}h24\" stroke=\"{colour}\" stroke-width=\"3\"/>\
                 <text x=\"{}\" y=\"{}\">{name}</text>",
                points.join("L"),
                LEFT + 32.0,
                y + 4.0
            );
        }
        svg + "</svg>\n"
    }

    fn draw_axes(&self, svg: &mut String) {
        let bottom = HEIGHT - BOTTOM;
        for mark in self.y.1.marks() {
            let y = self.y_of(mark);
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0,
                grouped(mark)
            );
        }
        for mark in self.x.1.marks() {
            let x = self.x_of(mark);
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{x:.1} {TOP}V{bottom}\"/>\
                 <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                bottom + 16.0,
                grouped(mark)
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text><text x=\"{LEFT}\" y=\"{}\">{}</text>",
            WIDTH - RIGHT,
            bottom + 32.0,
            self.x.0,
            TOP - 4.0,
            self.y.0
        );
    }

    fn x_of(&self, value: f64) -> f64 {
        LEFT + self.x.1.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y_of(&self, value: f64) -> f64 {
        let bottom = HEIGHT - BOTTOM;
        bottom - self.y.1.place(value) * (bottom - TOP)
    }
}

/// A number with commas; without a fraction from 10 on.
pub(crate) fn grouped(number: f64) -> String {
    if number < 10.0 && number.fract() != 0.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let texts = [0.0, 0.25, 7.0, 9.96, 999.4, 1_000.0, 1_234_567.0].map(grouped);
        assert_eq!(
            texts,
            ["0", "0.2", "7", "10.0", "999", "1,000", "1,234,567"]
        );
    }

    #[test]
    fn axes_place_their_ends_and_keep_what_is_beyond() {
        for axis in [Axis::Even(100.0), Axis::Powers(1.0, 100.0)] {
            assert_eq!(
                [-5.0, 100.0, 1e9].map(|value| axis.place(value)),
                [0.0, 1.0, 1.0]
            );
        }
        assert_eq!(Axis::Even(100.0).place(10.0), 0.1);
        assert_eq!(Axis::Powers(1.0, 100.0).place(10.0), 0.5);
        assert_eq!(Axis::Powers(1.0, 100.0).marks(), [1.0, 10.0, 100.0]);
    }
}
