// Warm isolates: requests a second at some numbers of connections, processor time of the whole process a request, and
// the calls that were made to whatever stands behind.
import { Load } from "../lib/load.mjs";
import { bellwether, objectBehindFront, oneValue } from "../peers/bellwether.mjs";
import { byHand, least, revalidating, twinBehindFront } from "../peers/by-hand.mjs";
import { FLAGSHIP, products } from "../peers/products.mjs";
import { mustBe, Stage } from "../peers/stage.mjs";
import { takeTurns, withAll } from "./turns.mjs";

const CONNECTIONS = [1, 10, 50];
// Short, and many rounds: a machine that is disturbed now and then disturbs all peers in a few of them.
const RUN_MS = 100;

export async function warm({ bytes, lookups, ...more }) {
  return measured({ bytes, lookups, ...more }, (stage) => ({ ...everybody(stage, bytes), ...oneValue() }));
}

// The flags of Flagship's local store are single rows: it has no document whose size would matter, and filling it takes long.
export function everybody(stage, bytes) {
  const peers = { ...least(), ...byHand(stage.documents), ...products(stage.documents, stage.endpoint), ...bellwether() };
  if (bytes > 100_000) delete peers[FLAGSHIP];
  return peers;
}

// What one object answers, behind the same front: with the validator that it holds, and without one.
export async function objects({ isConditional, ...more }) {
  return measured({ ...more, lookups: 0, isConditional }, (stage) => ({
    "JS object": twinBehindFront(stage.documents),
    "Bellwether's object": objectBehindFront(),
  }));
}

export async function revalidations(more) {
  // One after the other: at more connections, readers ask for each other.
  return measured({ ...more, lookups: 1, connections: [1] }, (stage) => revalidating(stage.documents));
}

async function measured({ bytes, lookups, rounds, warmUpMs, say, isConditional = false, connections = CONNECTIONS }, choose) {
  const stage = await Stage.start(bytes);
  const results = {};
  const start = async (peer, name) => {
    const running = await stage.run(peer, lookups);
    say(`warming up: ${name}`);
    mustBe(await running.load.once(), running.expected, name);
    if (isConditional) running.load = await conditional(running, peer);
    running.counts = [];
    await running.load.run(await countFor(running.load, 10, warmUpMs), 10);
    for (const level of connections) running.counts.push(await countFor(running.load, level, RUN_MS));
    results[name] = { callsNote: running.callsNote, connections, calls: 0, requests: 0, cpuUs: [], perSecond: connections.map(() => []) };
    return running;
  };
  try {
    await withAll(choose(stage), start, (running) =>
      takeTurns(running, rounds, say, async (name, { load, counts, workerd, calls }) => {
        const result = results[name];
        const [cpuMs, before] = [workerd.cpuMs(), await calls()];
        let requests = 0;
        for (const [index, level] of connections.entries()) {
          result.perSecond[index].push((counts[index] / (await load.run(counts[index], level)).ms) * 1_000);
          requests += counts[index];
        }
        result.cpuUs.push(((workerd.cpuMs() - cpuMs) / requests) * 1_000);
        result.calls += (await calls()) - before;
        result.requests += requests;
      }),
    );
  } finally {
    await stage.stop();
  }
  return results;
}

async function conditional({ workerd }, { worker }) {
  const port = workerd.ports[worker.name];
  const etag = (await fetch(`http://127.0.0.1:${port}/`)).headers.get("etag");
  return new Load(port, "/", { "if-none-match": etag }, 304);
}

// How many requests take about so long.
async function countFor(load, connections, ms) {
  for (let count = connections; ; count *= 4) {
    const taken = await load.run(count, connections);
    if (taken.ms > ms / 4) return Math.max(connections, Math.round((count * ms) / taken.ms));
  }
}
