// Results as tables of Markdown.
import { summary } from "./stats.mjs";

export const table = (head, rows) => [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

const TABLES = {
  warm: {
    head: ({ connections }) => [
      "",
      "processor time, µs a request",
      ...connections.map((count, index) => `requests/s at ${count}${index ? "" : " connection" + (count > 1 ? "s" : "")}`),
      "calls a request",
    ],
    row: ({ cpuUs, perSecond, calls, requests, callsNote }) => [
      spread(summary(cpuUs)),
      ...perSecond.map((values) => spread(summary(values))),
      callsNote ?? (calls / requests).toFixed(calls === 0 ? 0 : 3),
    ],
  },
  first: {
    head: () => ["", "first request, ms", "processor time, ms", "calls"],
    row: ({ ms, cpuMs, calls, callsNote }) => [spread(summary(ms)), spread(summary(cpuMs)), callsNote ?? Math.max(...calls)],
  },
  parse: {
    head: () => ["", "µs"],
    row: ({ us }) => [spread(summary(us))],
  },
};

export function tableOf(kind, peers) {
  const { head, row } = TABLES[kind];
  const rows = Object.entries(peers).map(([name, peer]) => [name.startsWith("Bellwether") ? `**${name}**` : name, ...row(peer)]);
  return table(head(Object.values(peers)[0]), rows);
}

// As many digits as mean something beside the median.
export function spread({ median, low, high }) {
  const show = (value) => (median < 10 ? value.toFixed(2) : median < 100 ? value.toFixed(1) : Math.round(value).toLocaleString("en"));
  return `${show(median)} (${show(low)} to ${show(high)})`;
}
