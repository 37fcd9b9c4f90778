// Where a first request's time goes: by what each Worker takes beyond a lesser one, in the same rounds.
import { differences, summary } from "./stats.mjs";
import { spread, table } from "./tables.mjs";

const TS = "Bellwether, TypeScript reader";
const RUST = "Bellwether, Rust reader";

const PARTS = ["new isolate, 20 KB", "new isolate, 1 MB", "new process, 20 KB", "new process, 1 MB"];

// What is had, the lesser one that is taken off, and what is left.
const STEPS = [
  ["empty JS", null, "the isolate, and any answer"],
  ["empty Rust", "empty JS", "wasm and the crate worker, for an answer"],
  ["JS twin", "empty JS", "a call to the object, `JSON.parse`, little code"],
  [TS, "JS twin", "what the TypeScript reader takes beyond that"],
  [RUST, "empty Rust", "call, parsing and the Rust reader"],
];

// Nothing, where none of those parts was run.
export function stepsOf(results) {
  const parts = PARTS.filter((part) => results[part]);
  if (parts.length === 0) return "";
  const took = (peers, name, less) => (less ? differences(peers[name].ms, peers[less].ms) : summary(peers[name].ms));
  const rows = STEPS.map(([name, less, what]) => [
    less ? `${name} − ${less}` : name,
    what,
    ...parts.map((part) => spread(took(results[part], name, less))),
  ]);
  return ["### Where a first request's time goes", table(["ms", "", ...parts], rows)].join("\n\n");
}
