// `make bench`: Bellwether beside what else one could do, in the same workerd and the same run, taking turns. Writes
// docs/performance.md. QUICK=1 takes a few rounds and writes nothing.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { report } from "./lib/report.mjs";
import { cold } from "./parts/cold.mjs";
import { sizes } from "./parts/sizes.mjs";
import { objects, warm } from "./parts/warm.mjs";

const isQuick = Boolean(process.env.QUICK);
const only = process.env.ONLY;
const rounds = (count) => (isQuick ? 3 : count);

const PARTS = {
  "warm 20 KB, 1 lookup": (say) => warm({ bytes: 20_000, lookups: 1, rounds: rounds(9), say }),
  "warm 20 KB, 5 lookups": (say) => warm({ bytes: 20_000, lookups: 5, rounds: rounds(5), say }),
  "warm 20 KB, 20 lookups": (say) => warm({ bytes: 20_000, lookups: 20, rounds: rounds(5), say }),
  "warm 1 KB, 1 lookup": (say) => warm({ bytes: 1_000, lookups: 1, rounds: rounds(5), say }),
  "warm 100 KB, 1 lookup": (say) => warm({ bytes: 100_000, lookups: 1, rounds: rounds(5), say }),
  "object 304": (say) => objects({ bytes: 20_000, conditional: true, rounds: rounds(9), say }),
  "object 200": (say) => objects({ bytes: 20_000, conditional: false, rounds: rounds(9), say }),
  "cold 20 KB": (say) => cold({ bytes: 20_000, rounds: rounds(15), say }),
  "cold 1 MB": (say) => cold({ bytes: 1_000_000, rounds: rounds(9), say }),
  "cold 20 KB, source of 138 ms": (say) => cold({ bytes: 20_000, delayMs: 138, rounds: rounds(9), say }),
};

const results = { sizes: sizes() };
for (const [name, part] of Object.entries(PARTS)) {
  if (only && !name.includes(only)) continue;
  process.stdout.write(`bench: ${name}\n`);
  results[name] = await part((progress) => process.stdout.write(`  ${progress}\r`));
}
const { text, summary } = report(results);
process.stdout.write(`\n${summary}`);
if (isQuick || only) process.stdout.write(`\n${text}`);
else writeFileSync(join(import.meta.dirname, "../docs/performance.md"), text);
