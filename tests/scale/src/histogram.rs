//! Weights over an axis, given by points and by ranges.

/// Equal bins from 0 on; what is beyond the last is in the last.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    bin: u64,
    points: Vec<f64>,
    /// Where whole bins begin and cease to be covered: a range costs the same whatever its length.
    steps: Vec<f64>,
}

impl Histogram {
    /// Bins that wide, up to `end`.
    pub(crate) fn new(bin: u64, end: u64) -> Self {
        let bins = end.div_ceil(bin) as usize + 1;
        Self {
            bin,
            points: vec![0.0; bins],
            steps: vec![0.0; bins + 1],
        }
    }

    /// Adds a weight at a place.
    pub(crate) fn add(&mut self, at: u64, weight: f64) {
        let bin = self.bin_of(at);
        self.points[bin] += weight;
    }

    /// Adds a weight for each unit from `from` up to, not including, `to`.
    pub(crate) fn add_range(&mut self, from: u64, to: u64, density: f64) {
        if to <= from {
            return;
        }
        let (first, last) = (self.bin_of(from), self.bin_of(to));
        if first == last {
            self.points[first] += (to - from) as f64 * density;
            return;
        }
        let first_end = (first as u64 + 1) * self.bin;
        let last_begin = last as u64 * self.bin;
        self.points[first] += (first_end - from) as f64 * density;
        self.points[last] += (to - last_begin) as f64 * density;
        let whole = self.bin as f64 * density;
        self.steps[first + 1] += whole;
        self.steps[last] -= whole;
    }

    /// The weight of each bin.
    pub(crate) fn weights(&self) -> Vec<f64> {
        let mut covered = 0.0;
        let whole = self.steps.iter().map(|step| {
            covered += step;
            covered
        });
        self.points
            .iter()
            .zip(whole)
            .map(|(point, whole): (_, f64)| (point + whole).max(0.0))
            .collect()
    }

    /// The end of the bin below which this share of the weight lies.
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        let weights = self.weights();
        let wanted = weights.iter().sum::<f64>() * share;
        let mut sum = 0.0;
        let reached = weights.iter().position(|weight| {
            sum += weight;
            sum >= wanted
        });
        (reached.unwrap_or(weights.len()) as u64 + 1) * self.bin
    }

    fn bin_of(&self, at: u64) -> usize {
        ((at / self.bin) as usize).min(self.points.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_weighs_as_much_as_its_points() {
        let (mut ranges, mut points) = (Histogram::new(10, 100), Histogram::new(10, 100));
        for (from, to) in [(0, 10), (3, 4), (5, 5), (7, 38), (20, 100), (95, 130)] {
            ranges.add_range(from, to, 0.5);
            (from..to).for_each(|at| points.add(at, 0.5));
        }
        assert_eq!(ranges.weights(), points.weights());
        assert_eq!(ranges.quantile(0.5), points.quantile(0.5));
    }

    #[test]
    fn quantiles_are_the_ends_of_bins() {
        let mut histogram = Histogram::new(10, 100);
        (0..100).for_each(|at| histogram.add(at, 1.0));
        let at = [0.01, 0.1, 0.5, 0.99, 1.0].map(|share| histogram.quantile(share));
        assert_eq!(at, [10, 10, 50, 100, 100]);
    }
}
