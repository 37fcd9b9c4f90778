// `make bench`: Bellwether beside what else one could do, in the same workerd and the same run, taking turns. Writes
// docs/performance.md and its charts. QUICK=1 takes a few short rounds, ONLY=text those parts whose name has it; neither
// writes anything but target/bench/.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { machine, versions } from "./lib/machine.mjs";
import { report } from "./lib/report.mjs";
import { isolates, processes, slow } from "./parts/cold.mjs";
import { parse } from "./parts/parse.mjs";
import { sizes } from "./parts/sizes.mjs";
import { objects, revalidations, warm } from "./parts/warm.mjs";

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

const isQuick = Boolean(process.env.QUICK);
const only = process.env.ONLY;
const root = join(import.meta.dirname, "..");

const WARM = { kind: "warm", heading: "Warm requests", work: warm };
const ISOLATE = { kind: "first", heading: "First requests", work: isolates };
const PROCESS = { kind: "first", heading: "First requests", work: processes };
const OBJECT = { kind: "warm", heading: "The object", work: objects };
const PARSING = { kind: "parse", heading: "Parsing", work: parse };

const PARTS = {
  "warm, 20 KB, 1 lookup": { ...WARM, bytes: 20_000, lookups: 1, rounds: 15 },
  "warm, 20 KB, 5 lookups": { ...WARM, bytes: 20_000, lookups: 5, rounds: 5 },
  "warm, 20 KB, 20 lookups": { ...WARM, bytes: 20_000, lookups: 20, rounds: 15 },
  "warm, 1 KB, 1 lookup": { ...WARM, bytes: 1_000, lookups: 1, rounds: 5 },
  "warm, 100 KB, 1 lookup": { ...WARM, bytes: 100_000, lookups: 1, rounds: 5 },
  "warm, 1 MB, 1 lookup": { ...WARM, bytes: 1_000_000, lookups: 1, rounds: 5 },
  revalidation: { kind: "warm", heading: "Revalidation", work: revalidations, bytes: 20_000, rounds: 31 },
  "new isolate, 20 KB": { ...ISOLATE, bytes: 20_000, lookups: 1, rounds: 25 },
  "new isolate, 20 KB, 20 lookups": { ...ISOLATE, bytes: 20_000, lookups: 20, rounds: 15 },
  "new isolate, 1 MB": { ...ISOLATE, bytes: 1_000_000, lookups: 1, rounds: 15 },
  "new process, 20 KB": { ...PROCESS, bytes: 20_000, lookups: 1, rounds: 15 },
  "new process, 20 KB, 20 lookups": { ...PROCESS, bytes: 20_000, lookups: 20, rounds: 9 },
  "new process, 1 MB": { ...PROCESS, bytes: 1_000_000, lookups: 1, rounds: 9 },
  "source of 138 ms": { ...PROCESS, bytes: 20_000, lookups: 1, delayMs: 138, choose: slow, rounds: 5 },
  "object, 304": { ...OBJECT, bytes: 20_000, isConditional: true, rounds: 31 },
  "object, 20 KB": { ...OBJECT, bytes: 20_000, rounds: 15 },
  "parsing, 20 KB": { ...PARSING, bytes: 20_000, rounds: 9 },
  "parsing, 1 MB": { ...PARSING, bytes: 1_000_000, rounds: 9 },
};

const described = { machine: machine(), versions: versions() };
const results = { sizes: sizes() };
for (const [name, { work, rounds, ...part }] of Object.entries(PARTS)) {
  if (only && !name.includes(only)) continue;
  const { say, done } = progress(name);
  results[name] = await work({ ...part, say, rounds: isQuick ? 3 : rounds, warmUpMs: isQuick ? 200 : 600 });
  done();
}
const { text, files, summary } = report(results, PARTS, described);
const folder = isQuick || only ? "target/bench" : "docs";
rmSync(join(root, folder, "performance"), { recursive: true, force: true });
write("target/bench/results.json", JSON.stringify({ described, results }));
write(`${folder}/performance.md`, text);
for (const [file, svg] of Object.entries(files)) write(`${folder}/performance/${file}`, svg);
process.stdout.write(`\n${summary}The tables are in ${folder}/performance.md\n`);

function write(path, contents) {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), contents);
}

// On one line where it is a terminal, else a line a part.
function progress(name) {
  const { stdout } = process;
  const started = performance.now();
  return {
    say: (what) => stdout.isTTY && stdout.write(`\r\x1b[Kbench: ${name}: ${what}`),
    done: () => stdout.write(`${stdout.isTTY ? "\r\x1b[K" : ""}bench: ${name} (${Math.round((performance.now() - started) / 1_000)} s)\n`),
  };
}
