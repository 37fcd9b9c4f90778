// The results as a page of Markdown, and the bars with what was measured.
import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { ratio, summary } from "./stats.mjs";

export function report(results) {
  const parts = Object.entries(results).filter(([name]) => name !== "sizes");
  const bars = barsOf(results);
  const text = [
    "# Performance",
    `Made by \`make bench\`; do not edit. ${new Date().toISOString().slice(0, 10)}, ${machine()}.`,
    "Peers take turns in each round of one run; medians, with the range of the middle eight tenths. Ratios travel to other machines, times do not. All of it runs in one local workerd, so distance, other tenants and the platform's own limits are not in it.",
    "## Bars",
    table(["what", "bar", "measured"], bars),
    "## Size, gzipped",
    table(["what", "bytes"], Object.entries(results.sizes).map(([name, bytes]) => [name, bytes])),
    ...parts.flatMap(([name, result]) => [`## ${name}`, tableOf(result)]),
    "",
  ].join("\n\n");
  return { text, summary: bars.map(([what, bar, measured]) => `${what}: ${measured} (bar: ${bar})\n`).join("") };
}

function barsOf(results) {
  const bars = [];
  const add = (what, bar, part, measured) => results[part] && bars.push([what, bar, measured(results[part])]);
  const times = (result, name, other, of) => {
    const [one, another] = [of(result[name]), of(result[other])];
    return `${ratio(one, another).toFixed(2)} ×`;
  };
  const cpu = (peer) => peer.cpuUs;
  const inverse = (result, name, other) => times(result, other, name, cpu);
  const ms = (peer) => peer.ms;
  const warm = "warm 20 KB, 1 lookup";
  add("warm answer beside the JS twin, by processor time", "at least 0.95 ×", warm, (r) => inverse(r, "Bellwether, whole", "JS twin, whole"));
  add("warm answer beside an empty worker-rs Worker", "at least 1.4 ×", warm, (r) => inverse(r, "Bellwether, whole", "empty Rust"));
  add("warm TypeScript reader beside the JS twin", "at least 0.98 ×", warm, (r) => inverse(r, "Bellwether, TypeScript reader", "JS twin"));
  add("object's 304 beside a JS object's", "at least 0.95 ×", "object 304", (r) => inverse(r, "Bellwether's object", "JS object"));
  for (const part of ["cold 20 KB", "cold 1 MB"]) {
    add(`${part}: Rust reader beside an empty Rust Worker`, part.includes("MB") ? "at most 1.65 ×" : "at most 1.10 ×", part, (r) => times(r, "Bellwether, Rust reader", "empty Rust", ms));
    add(`${part}: Rust reader beside the JS twin`, part.includes("MB") ? "at most 1.6 ×" : "at most 1.85 ×", part, (r) => times(r, "Bellwether, Rust reader", "JS twin", ms));
  }
  add("cold 20 KB: TypeScript reader beside an empty JS Worker", "at most 1.1 ×", "cold 20 KB", (r) => times(r, "Bellwether, TypeScript reader", "empty JS", ms));
  add("first request with a source of 138 ms, beside a KV read", "at least 8 × faster", "cold 20 KB, source of 138 ms", (r) => times(r, "KV read per request", "Bellwether, TypeScript reader", ms));
  const { "empty Rust": empty, "Bellwether's Rust reader in a Worker": rust, "Bellwether's TypeScript reader": ts } = results.sizes;
  bars.push(["TypeScript reader", "at most 3,072 B", `${ts} B`], ["Rust reader over an empty Rust Worker", "at most 25,600 B", `${rust - empty} B`]);
  return bars;
}

function tableOf(result) {
  const rows = Object.entries(result).map(([name, peer]) => {
    if (peer.ms) return [name, spread(peer.ms, 2), Math.max(...peer.kvCalls)];
    return [name, spread(peer.cpuUs, 0), ...peer.perSecond.map((values) => spread(values, 0)), (peer.kvCalls / peer.requests).toFixed(2)];
  });
  const isCold = Object.values(result)[0].ms;
  return table(isCold ? ["peer", "first request, ms", "KV calls"] : ["peer", "CPU, µs a request", "requests/s at 1", "at 10", "at 50", "KV calls a request"], rows);
}

function spread(values, digits) {
  const { median, low, high } = summary(values);
  return `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}

const table = (head, rows) => [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

function machine() {
  const version = execFileSync(process.env.BELLWETHER_WORKERD, ["--version"]).toString().trim();
  return `${cpus().length} × ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}, ${version}`;
}
