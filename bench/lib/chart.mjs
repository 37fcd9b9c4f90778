// Horizontal bars as SVG, by hand: one group a peer, one bar a series, a whisker for the range.
const BAR = 13;
const GAP = 9;
const LEFT = 300;
const PLOT = 520;
const RIGHT = 70;
const TOP = 66;
const COLOURS = ["#2f6f9f", "#d98032", "#5a9a5a"];
const OURS = "#8a1c4a";

// `groups`: `{ name, isOurs, bars: [{ median, low, high }] }`, a bar for each of `series`. The axis is logarithmic, since
// what is compared here differs by orders of magnitude.
export function chart({ title, unit, series, groups, digits = 1 }) {
  const values = groups.flatMap(({ bars }) => bars).filter(Boolean);
  const least = 10 ** Math.floor(Math.log10(Math.min(...values.map(({ low }) => low))));
  const most = 10 ** Math.ceil(Math.log10(Math.max(...values.map(({ high }) => high)) + 1e-9));
  const x = (value) => LEFT + (PLOT * Math.log10(value / least)) / Math.log10(most / least);
  const height = TOP + groups.reduce((sum, { bars }) => sum + bars.length * BAR + GAP, 0) + 24;
  const parts = [];
  for (let tick = least; tick <= most * 1.001; tick *= 10) {
    parts.push(`<line x1="${x(tick)}" x2="${x(tick)}" y1="${TOP - 6}" y2="${height - 22}" stroke="#ddd"/>`);
    parts.push(label(x(tick), height - 8, `${Number(tick.toPrecision(1))} ${unit}`, "middle", "#555"));
  }
  series.forEach((name, index) => {
    parts.push(`<rect x="${LEFT + index * 170}" y="34" width="10" height="10" fill="${COLOURS[index]}"/>`);
    parts.push(label(LEFT + index * 170 + 15, 43, name, "start", "#333"));
  });
  let y = TOP;
  for (const { name, isOurs, bars } of groups) {
    parts.push(label(LEFT - 8, y + (bars.length * BAR) / 2 + 4, name, "end", isOurs ? OURS : "#222", isOurs));
    bars.forEach((bar, index) => {
      if (bar) parts.push(...drawn(bar, y + index * BAR, x, COLOURS[index], digits));
    });
    y += bars.length * BAR + GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + PLOT + RIGHT} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    label(12, 20, title, "start", "#000", true),
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function drawn({ median, low, high }, y, x, colour, digits) {
  const middle = y + BAR / 2;
  return [
    `<rect x="${LEFT}" y="${y + 1}" width="${(x(median) - LEFT).toFixed(1)}" height="${BAR - 2}" fill="${colour}"/>`,
    `<line x1="${x(low).toFixed(1)}" x2="${x(high).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#000"/>`,
    label(Math.max(x(median), x(high)) + 5, middle + 4, median.toFixed(digits), "start", "#333"),
  ];
}

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

function label(x, y, text, anchor, colour, isBold = false) {
  const escaped = text.replaceAll(/[&<>]/g, (character) => ESCAPES[character]);
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colour}"${isBold ? ' font-weight="bold"' : ""}>${escaped}</text>`;
}
