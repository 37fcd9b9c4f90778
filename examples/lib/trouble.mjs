// What becomes of requests when KV is down, and when somebody breaks the configuration: to isolates that run, and to new
// ones. Nothing here is expected: what is answered is shown.
import { setTimeout as sleep } from "node:timers/promises";
import { CONFIG, fromSource } from "./figures.mjs";
import { playedKv, Stage, TTL_MS } from "./stage.mjs";

export const LOADERS = ["before", "cached", "after"];

/** By the trouble's name, what makes it: the text in KV, or its end. */
export const TROUBLES = {
  "KV does not answer": (kv) => kv.stop(),
  "not JSON": (kv, values) => void (values.config = CONFIG.slice(0, 2_000)),
  "JSON, but without video.limits": (kv, values) => void (values.config = withoutLimits()),
};

/**
 * One trouble: for each loader the answer of an isolate that ran before, and that of a new one to its second request;
 * `alone` is that of the reader where the coordinator is new, too, and knows nothing better.
 */
export async function trouble(example, make) {
  const values = { config: CONFIG };
  const kv = await playedKv(values);
  const both = LOADERS.flatMap((loader) => [[loader, loader], [`new ${loader}`, loader]]);
  const stage = await Stage.start(example, Object.fromEntries(both), kv);
  for (const loader of LOADERS) await stage.ask(loader);
  await fromSource(stage, 0);
  await make(kv, values);
  // It would find out at its next refresh.
  const { outcome } = await (await stage.operate("reload", { method: "POST" })).json();
  await pastTtl(stage);
  const answers = {};
  for (const loader of LOADERS) answers[loader] = { ran: await told(stage, loader), fresh: await second(stage, `new ${loader}`) };
  await stage.stop();

  const other = await Stage.start(example, { after: "after" }, kv);
  const alone = await second(other, "after");
  await other.stop();
  await kv.stop();
  return { outcome, answers, alone };
}

/** Reads on until the TTL that the coordinator gives is over, and what is asked after it is answered or is not. */
async function pastTtl(stage) {
  for (const started = performance.now(); performance.now() < started + 1.5 * TTL_MS; await sleep(50)) await stage.ask("after");
}

async function second(stage, name) {
  await told(stage, name);
  // Time for what goes on behind the first response.
  await sleep(300);
  return told(stage, name);
}

/** workerd closes a connection whose Worker lost one of its own; the platform would show an error page. */
const told = (stage, name) => stage.ask(name).catch(() => ({ status: 0, text: "no answer: the connection is closed" }));

function withoutLimits() {
  const config = JSON.parse(CONFIG);
  delete config.video.limits;
  return JSON.stringify(config);
}
