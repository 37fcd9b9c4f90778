// Before and after in figures.
import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { playedKv, root, Stage } from "./stage.mjs";

export const CONFIG = readFileSync(join(root, "examples/video-config.json"), "utf8");
export const REQUESTS = 200;
export const CONNECTIONS = 10;
const WARM_REQUESTS = 20;

/**
 * What first requests are measured of. The coordinator stands already and has the source's document, as it does for all
 * but the first isolate of a space; but for `alone`, where it starts in the same process for this very request.
 */
export const FIRST = {
  before: { loader: "before", from: /^KV$/ },
  after: { loader: "after", from: /version none, base/ },
  waiting: { loader: "after-wait", from: /version (\d+, fresh|none, base)/ },
  alone: { loader: "after", from: /version none, base/, isAlone: true },
};

/**
 * The first request of new processes, which are up and listen: milliseconds, those until the source's document was shown,
 * and how many showed it at once.
 */
export async function firstRequests(example, rounds, say) {
  const results = Object.fromEntries(Object.keys(FIRST).map((name) => [name, { ms: [], untilSourceMs: [], atOnce: 0 }]));
  const kv = await playedKv({ config: CONFIG });
  for (let round = 1; round <= rounds; round += 1) {
    for (const [name, { loader, from, isAlone }] of Object.entries(FIRST)) {
      const stage = await Stage.start(example, { [loader]: loader }, kv);
      if (!isAlone) await stage.ready();
      const started = performance.now();
      const answer = await stage.ask(loader);
      results[name].ms.push(answer.ms);
      mustBe(answer, from);
      if (showsSource(answer)) results[name].atOnce += 1;
      if (loader === "after") results[name].untilSourceMs.push(await fromSource(stage, started));
      await stage.stop();
    }
    say(`first requests: process ${round} of ${rounds}`);
  }
  await kv.stop();
  return results;
}

/** So many requests to a new process: the KV reads that anybody made for them; and the milliseconds of some after them. */
export async function manyRequests(example, say) {
  const results = {};
  for (const loader of ["before", "cached", "after"]) {
    say(`${REQUESTS} requests: ${loader}`);
    const kv = await playedKv({ config: CONFIG });
    const stage = await Stage.start(example, { [loader]: loader }, kv);
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    const lane = () => requests(stage, loader, agent, REQUESTS / CONNECTIONS);
    await Promise.all(Array.from({ length: CONNECTIONS }, lane));
    // The reader's call behind a response may be on its way still.
    if (loader === "after") await fromSource(stage, 0);
    const kvReads = kv.calls;
    results[loader] = { kvReads, ms: await requests(stage, loader, agent, WARM_REQUESTS) };
    agent.destroy();
    await stage.stop();
    await kv.stop();
  }
  return results;
}

/** Waits until the reader shows the source's document, and tells how long after `started` that was. */
export async function fromSource(stage, started) {
  for (;;) {
    if (showsSource(await stage.ask("after"))) return performance.now() - started;
    await sleep(5);
  }
}

const showsSource = ({ text }) => /version \d+, (fresh|stale)/.test(text);

/** One after the other, in milliseconds each. */
async function requests(stage, loader, agent, count) {
  const ms = [];
  for (let asked = 0; asked < count; asked += 1) {
    const answer = await stage.ask(loader, agent);
    mustBe(answer, /./);
    ms.push(answer.ms);
  }
  return ms;
}

function mustBe({ status, text }, from) {
  if (status !== 200 || !from.test(JSON.parse(text).config)) throw new Error(`not what was to be measured: ${status} ${text}`);
}
