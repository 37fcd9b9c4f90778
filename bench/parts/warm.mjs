// A warm isolate: requests a second at some numbers of connections, processor time of the whole process a request, and
// the calls that were made to whatever stands behind.
import { Load } from "../lib/load.mjs";
import { PlayedKv } from "../lib/kv.mjs";
import { configOf, fronts, peers, start } from "../peers.mjs";

const CONNECTIONS = [1, 10, 50];
// Processor time is counted in hundredths of a second.
const REQUESTS = 3_000;

export async function warm({ bytes, lookups, rounds, say }) {
  return alternating({ chosen: peers(configOf(bytes)), ask: (peer) => peer.ask(lookups), rounds, say, bytes });
}

// What one object answers, behind the same front: with the validator that it holds, and without one.
export async function objects({ bytes, rounds, say, conditional }) {
  const etags = {};
  const ask = (peer, name) => ({ path: "/", headers: conditional ? { "if-none-match": etags[name] } : {} });
  const before = async (name, port) => (etags[name] = (await fetch(`http://127.0.0.1:${port}/`)).headers.get("etag"));
  return alternating({ chosen: fronts(configOf(bytes)), ask, rounds, say, bytes, before });
}

async function alternating({ chosen, ask, rounds, say, bytes, before = () => {} }) {
  const kv = await PlayedKv.start({ config: JSON.stringify(configOf(bytes)) });
  const running = {};
  const results = {};
  try {
    for (const [name, peer] of Object.entries(chosen)) {
      running[name] = await start(peer, kv);
      await before(name, running[name].port);
      const { path, headers } = ask(peer, name);
      running[name].load = new Load(running[name].port, path, headers);
      await running[name].load.run(1_000, 4);
      results[name] = { kvCalls: 0, requests: 0, cpuUs: [], perSecond: CONNECTIONS.map(() => []) };
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, { load, workerd }] of Object.entries(running)) {
        const result = results[name];
        const [cpuMs, calls] = [workerd.cpuMs(), kv.calls];
        for (const [index, connections] of CONNECTIONS.entries()) {
          const started = performance.now();
          result.last = await load.run(REQUESTS, connections);
          result.perSecond[index].push((REQUESTS / (performance.now() - started)) * 1_000);
        }
        const requests = REQUESTS * CONNECTIONS.length;
        result.cpuUs.push(((workerd.cpuMs() - cpuMs) / requests) * 1_000);
        result.kvCalls += kv.calls - calls;
        result.requests += requests;
      }
      say(`round ${round + 1} of ${rounds}`);
    }
  } finally {
    await Promise.all(Object.values(running).map(({ workerd }) => workerd.stop()));
    await kv.stop();
  }
  return results;
}
