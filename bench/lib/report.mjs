// The page of Markdown that a whole run makes, and what is printed at its end.
import { barsOf } from "./bars.mjs";
import { charts } from "./charts.mjs";
import { stepsOf } from "./steps.mjs";
import { table, tableOf } from "./tables.mjs";
import { BEYOND, HOW, NOTES } from "./words.mjs";

// `kinds` by part: how its table looks, and under which heading it stands.
export function report(results, kinds, { machine, versions }) {
  const bars = barsOf(results);
  const files = charts(results);
  const image = (file) => (files[file] ? `\n![](performance/${file})\n` : "");
  const sections = Map.groupBy(
    Object.keys(kinds).filter((part) => results[part]),
    (part) => kinds[part].heading,
  );
  const text = [
    "# Performance",
    `Made by \`make bench\` on ${machine.date}; do not edit. ${machine.processor}, ${machine.memory}, ${machine.system}; load average ${machine.load} when it began.`,
    "What the missed bars have in common, and where time goes, is told by hand in [performance-notes.md](performance-notes.md).",
    `Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`,
    "## Bars",
    table(
      ["", "bar", "measured", ""],
      bars.map(({ what, bar, measured, verdict }) => [what, bar, measured, verdict === "met" ? verdict : `**${verdict}**`]),
    ),
    "## How",
    HOW,
    ...[...sections].flatMap(([heading, parts]) => [
      `## ${heading}`,
      NOTES[heading],
      ...(CHARTS_OF[heading] ?? []).map(image),
      ...parts.flatMap((part) => [`### ${part[0].toUpperCase()}${part.slice(1)}`, tableOf(kinds[part].kind, results[part])]),
      heading === "First requests" ? stepsOf(results) : "",
    ]),
    "## Size",
    "Gzipped, as it is uploaded; JavaScript minified.",
    table(
      ["", "bytes"],
      Object.entries(results.sizes).map(([name, bytes]) => [name, bytes.toLocaleString("en")]),
    ),
    "## What local runs cannot show",
    BEYOND,
    "",
  ];
  return { text: text.join("\n\n").replaceAll(/\n{3,}/g, "\n\n"), files, summary: summaryOf(bars) };
}

const CHARTS_OF = { "Warm requests": ["warm.svg", "sizes.svg"], "First requests": ["first.svg", "source.svg"] };

function summaryOf(bars) {
  const lines = bars.map(({ what, bar, measured, verdict }) => `${verdict.padEnd(16)} ${what}: ${measured} (${bar})`);
  return `${lines.join("\n")}\n\n${bars.filter(({ verdict }) => verdict === "met").length} of ${bars.length} bars met\n`;
}
