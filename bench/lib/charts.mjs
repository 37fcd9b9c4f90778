// The charts of the report, by file name.
import { chart } from "./chart.mjs";
import { summary } from "./stats.mjs";

const CHARTS = {
  "warm.svg": {
    title: "A warm request: processor time of the whole process (20 KB of configuration; less is better)",
    unit: "µs",
    digits: 0,
    of: (peer) => peer.cpuUs,
    parts: { "1 lookup": "warm, 20 KB, 1 lookup", "5 lookups": "warm, 20 KB, 5 lookups", "20 lookups": "warm, 20 KB, 20 lookups" },
  },
  "sizes.svg": {
    title: "A warm request, 1 lookup: processor time by the size of the configuration (less is better)",
    unit: "µs",
    digits: 0,
    of: (peer) => peer.cpuUs,
    parts: { "1 KB": "warm, 1 KB, 1 lookup", "100 KB": "warm, 100 KB, 1 lookup", "1 MB": "warm, 1 MB, 1 lookup" },
  },
  "first.svg": {
    title: "A first request (20 KB of configuration, 20 lookups; less is better)",
    unit: "ms",
    of: (peer) => peer.ms,
    parts: { "new isolate": "new isolate, 20 KB, 20 lookups", "new process": "new process, 20 KB, 20 lookups" },
  },
  "source.svg": {
    title: "A first request where the store takes 138 ms (20 KB of configuration, 1 lookup; less is better)",
    unit: "ms",
    of: (peer) => peer.ms,
    parts: { "new process": "source of 138 ms" },
  },
};

// Those all of whose parts were run.
export function charts(results) {
  const drawn = Object.entries(CHARTS).filter(([, { parts }]) => Object.values(parts).every((part) => results[part]));
  return Object.fromEntries(
    drawn.map(([file, { of, parts, ...more }]) => [
      file,
      chart({ ...more, series: Object.keys(parts), groups: groupsOf(of, Object.values(parts), results) }),
    ]),
  );
}

function groupsOf(of, parts, results) {
  const names = Object.keys(Object.assign({}, ...parts.map((part) => results[part])));
  return names.map((name) => ({
    name,
    isOurs: name.startsWith("Bellwether"),
    bars: parts.map((part) => results[part][name] && summary(of(results[part][name]))),
  }));
}
