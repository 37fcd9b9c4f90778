// The first request of a new process, which has the configuration to fetch first; with a source that takes its time, if
// that is wanted. The process is up and listens already: what it takes to start one differs from platform to platform.
import { Load } from "../lib/load.mjs";
import { PlayedKv } from "../lib/kv.mjs";
import { configOf, peers, start } from "../peers.mjs";

export async function cold({ bytes, rounds, delayMs = 0, say }) {
  const config = configOf(bytes);
  const kv = await PlayedKv.start({ config: JSON.stringify(config) });
  kv.delayMs = delayMs;
  const results = {};
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, peer] of Object.entries(peers(config))) {
        const calls = kv.calls;
        const { workerd, port } = await start(peer, kv);
        try {
          const { path, headers } = peer.ask(1);
          const load = new Load(port, path, headers);
          const started = performance.now();
          const last = await load.once();
          const ms = performance.now() - started;
          (results[name] ??= { ms: [], kvCalls: [], last }).ms.push(ms);
          results[name].kvCalls.push(kv.calls - calls);
        } finally {
          await workerd.stop();
        }
      }
      say(`round ${round + 1} of ${rounds}`);
    }
  } finally {
    await kv.stop();
  }
  return results;
}
