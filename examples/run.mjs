// `make example-ts` and `make example-rust`: an example before and after, in figures and in trouble; with SERVE=1 or a
// PORT, for trying by hand instead.
//   node run.mjs ts|rust
import { firstRequests, manyRequests } from "./lib/figures.mjs";
import { serve } from "./lib/serve.mjs";
import { KV_DELAY_MS } from "./lib/stage.mjs";
import { TROUBLES, trouble } from "./lib/trouble.mjs";
import { firstInWords, manyInWords, timesFaster, troubleInWords } from "./lib/words.mjs";

const ROUNDS = 10;
const BAR = 8;

async function figures(example) {
  const first = await firstRequests(example, ROUNDS, say);
  print(firstInWords(first));
  const many = await manyRequests(example, say);
  print(manyInWords(many));
  for (const [name, make] of Object.entries(TROUBLES)) {
    say(name);
    print(troubleInWords(name, await trouble(example, make)));
  }
  const reads = (loader) => many[loader].kvReads;
  const beside = (name) => {
    const times = timesFaster(first.before, first[name]);
    return `${times.toFixed(1)} × (${times >= BAR ? "met" : "missed"})`;
  };
  print([
    `video-${example} in short. First requests with a KV read of ${KV_DELAY_MS} ms, faster by (the bar is ${BAR} ×): beside a coordinator that`,
    `stands already ${beside("after")}, or ${beside("waiting")} where it waits for it; with all of it new ${beside("alone")}.`,
    `KV reads ${reads("before")} before, ${reads("cached")} with memory over KV, ${reads("after")} after.`,
    `How to change a Worker of yours: examples/video-${example}/README.md. By hand: make example-${example} SERVE=1`,
  ]);
}

/** What is being done: on a terminal, gone when the next is. */
function say(text) {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K  … ${text}`);
}

function print(lines) {
  if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
  process.stdout.write(`\n${lines.join("\n")}\n`);
}

// Ctrl-C is how serving ends.
const codes = { SIGINT: process.env.SERVE ? 0 : 130, SIGTERM: 143, SIGHUP: 129 };
for (const [signal, code] of Object.entries(codes)) process.on(signal, () => process.exit(code));

const [example] = process.argv.slice(2);
if (process.env.SERVE) await serve(example, Number(process.env.PORT));
else await figures(example);
