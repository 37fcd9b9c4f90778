// The bars that Bellwether sets itself, with what was measured: all are ratios within one run, but for sizes and calls.
import { ratios } from "./stats.mjs";

const WHOLE = "Bellwether, whole";
const VALUE = "Bellwether, one value";
const TS = "Bellwether, TypeScript reader";
const RUST = "Bellwether, Rust reader";
const OWN = "Bellwether, Rust reader, own entry";
const OBJECT = "Bellwether's object";
const WARM = "warm, 20 KB, 1 lookup";
const SLOW = "source of 138 ms";
const short = (name) => name.replace("Bellwether, ", "");

// What one could have instead; the twin is Bellwether's own design.
const isRival = (name) => !/^(Bellwether|empty|JS twin)/.test(name);

const first = (peer) => peer.ms;
const firstCpu = (peer) => peer.cpuMs;
const cpu = (peer) => peer.cpuUs;
const throughput = (peer) => peer.perSecond.at(-1);

// The part that it is measured in, what is compared with what, and the least ratio of throughput at most connections.
const THROUGHPUT = [
  [WARM, "warm answer", WHOLE, "JS twin, whole", 0.95],
  [WARM, "warm answer", VALUE, "empty Rust", 1.4],
  [WARM, "warm answer", OWN, "JS twin", 0.95],
  [WARM, "warm answer", OWN, "empty Rust", 1.4],
  [WARM, "warm answer", TS, "JS twin", 0.98],
  ["object, 304", "304 of the object", OBJECT, "JS object", 0.95],
  ["revalidation", "revalidation", OWN, "JS twin", 0.9],
  ["revalidation", "revalidation", RUST, "JS twin", 0.9],
  ["revalidation", "revalidation", TS, "JS twin", 0.9],
];

// The greatest ratio of first requests of a new isolate. A new process has the object beside it, as no edge has: it is told
// and not judged.
const FIRST = [
  ["new isolate, 20 KB", OWN, "empty Rust", 1.1],
  ["new isolate, 20 KB", OWN, "JS twin", 1.85],
  ["new isolate, 20 KB", RUST, "empty Rust", 1.1],
  ["new isolate, 20 KB", RUST, "JS twin", 1.85],
  ["new isolate, 20 KB", TS, "empty JS", 1.1],
  ["new isolate, 1 MB", OWN, "empty Rust", 1.65],
  ["new isolate, 1 MB", OWN, "JS twin", 1.6],
  ["new isolate, 1 MB", RUST, "empty Rust", 1.65],
  ["new isolate, 1 MB", RUST, "JS twin", 1.6],
];

const SIZES = [
  ["@bellwether/reader", 3_072],
  ["Rust reader, over an empty Rust Worker", 25_600],
  ["Bellwether's own Worker", 184_320],
];

// How readers are set against all that one could have instead; more than 1 where the other one is faster.
const RIVALS = [
  ["warm, 20 KB, 20 lookups", "throughput", (one, other) => ratios(throughput(other), throughput(one))],
  ["warm, 20 KB, 20 lookups", "processor time", (one, other) => ratios(cpu(one), cpu(other))],
  ["new isolate, 20 KB, 20 lookups", "first request", (one, other) => ratios(first(one), first(other))],
  ["new process, 20 KB, 20 lookups", "first request", (one, other) => ratios(first(one), first(other))],
];

// `{ what, bar, measured, verdict }` for all whose parts were run.
export function barsOf(results) {
  const bars = [];
  const add = (part, what, bar, judge) => results[part] && bars.push({ what, bar, ...judge(results[part]) });
  for (const [part, what, name, other, limit] of THROUGHPUT) {
    add(part, `${what}: ${short(name)}, beside ${other}`, `at least ${limit} × the throughput`, (peers) => {
      const ratio = ratios(throughput(peers[name]), throughput(peers[other]));
      return atLeast(limit, ratio, ratios(cpu(peers[other]), cpu(peers[name])));
    });
  }
  for (const [part, name, other, limit] of FIRST) {
    add(part, `${part}: ${short(name)}, beside ${other}`, `at most ${limit} × the time`, (peers) => {
      const ratio = ratios(first(peers[name]), first(peers[other]));
      return atMost(limit, ratio, ratios(firstCpu(peers[name]), firstCpu(peers[other])));
    });
  }
  for (const name of [TS, OWN, RUST]) {
    add(SLOW, `${SLOW}, first request: ${short(name)}, beside a KV read`, "at least 8 × faster", (peers) =>
      atLeast(8, ratios(first(peers["KV read per request"]), first(peers[name]))),
    );
  }
  add("warm, 20 KB, 20 lookups", "calls a warm request", "0, but for one a TTL of 30 s", (peers) => {
    const most = Math.max(...[WHOLE, TS, OWN, RUST].map((name) => peers[name].calls / peers[name].requests));
    return { measured: most.toFixed(4), verdict: verdictOf(most < 0.001) };
  });
  add("new isolate, 20 KB, 20 lookups", "calls of a cold request", "at most 1", (peers) => {
    const most = Math.max(...[WHOLE, TS, OWN, RUST].flatMap((name) => peers[name].calls));
    return { measured: String(most), verdict: verdictOf(most <= 1) };
  });
  for (const [what, limit] of SIZES) {
    const bytes = results.sizes[what];
    bars.push({
      what: `${what}, gzipped`,
      bar: `at most ${limit} B`,
      measured: `${bytes} B`,
      verdict: verdictOf(bytes <= limit, bytes / limit),
    });
  }
  for (const [part, how, compare] of RIVALS) {
    for (const name of [TS, OWN, RUST])
      add(part, `${part}: peers faster than ${short(name)}, by ${how}`, "none", (peers) => noneFaster(peers, name, compare));
  }
  return bars;
}

// Processor time is told beside what is judged: on a machine with much else to do it is the steadier of the two.
function atLeast(limit, ratio, ofCpu) {
  return { measured: told(ratio, ofCpu), verdict: verdictOf(ratio.median >= limit, ratio.median / limit) };
}

function atMost(limit, ratio, ofCpu) {
  return { measured: told(ratio, ofCpu), verdict: verdictOf(ratio.median <= limit, ratio.median / limit) };
}

// A peer is faster that is so in three quarters of the rounds: of two that do the same, one always has the better median.
function noneFaster(peers, ours, compare) {
  const rivals = Object.keys(peers)
    .filter(isRival)
    .map((name) => ({ name, ratio: compare(peers[ours], peers[name]) }));
  const faster = rivals.filter(({ ratio }) => ratio.low > 1);
  const nearest = rivals.toSorted((one, other) => other.ratio.median - one.ratio.median).slice(0, 1);
  const named = (faster.length > 0 ? faster : nearest).map(({ name, ratio }) => `${name} ${spread(ratio)}`).join("; ");
  return { measured: faster.length > 0 ? named : `none; the nearest: ${named}`, verdict: verdictOf(faster.length === 0) };
}

// `share` is that of the limit which was reached, where there is one.
function verdictOf(isMet, share) {
  if (isMet) return "met";
  return share ? `missed by ${Math.abs((share - 1) * 100).toFixed(1)} %` : "missed";
}

const told = (ratio, ofCpu) => spread(ratio) + (ofCpu ? `; by processor time ${digits(ofCpu.median)} ×` : "");
const digits = (value) => value.toFixed(value < 2 ? 3 : 1);
const spread = ({ median: middle, low, high }) => `${digits(middle)} × (${digits(low)} to ${digits(high)})`;
