// First requests, which have the configuration to fetch first, with a source that takes its time if that is wanted. What
// stands behind is up: an isolate starts far more often than a coordinator.
import { mustBe, Stage } from "../peers/stage.mjs";
import { takeTurns, withAll } from "./turns.mjs";
import { everybody } from "./warm.mjs";

// The first requests that a loader serves are its own.
const LOADER_WARM_UP = 3;

// Of a new process. It is up and listens already: what it takes to start one differs from platform to platform.
export async function processes({ bytes, lookups, rounds, delayMs = 0, say, choose = everybody }) {
  const stage = await Stage.start(bytes, delayMs);
  const results = {};
  try {
    await takeTurns(choose(stage, bytes), rounds, say, async (name, peer) => {
      const running = await stage.run(peer, lookups);
      try {
        await first(running, name, results);
      } finally {
        await running.workerd.stop();
      }
    });
  } finally {
    await stage.stop();
  }
  return results;
}

// Of a new isolate in a process that runs, by workerd's workerLoader. Code that V8 has compiled for another isolate of
// the process it does not compile again, as on the platform, but for wasm's first code (stage.mjs).
export async function isolates({ bytes, lookups, rounds, say }) {
  const stage = await Stage.start(bytes);
  const results = {};
  const start = async (peer, name) => {
    const running = await stage.run(peer, lookups, { isLoaded: true });
    say(`warming up: ${name}`);
    for (let count = 0; count < LOADER_WARM_UP; count += 1) mustBe(await running.load.once(), running.expected, name);
    return running;
  };
  const turn = async (name, running) => {
    // A process that did nothing since its last turn has its memory to fetch back.
    await running.load.once();
    await first(running, name, results);
  };
  try {
    await withAll(everybody(stage, bytes), start, (running) => takeTurns(running, rounds, say, turn));
  } finally {
    await stage.stop();
  }
  return results;
}

async function first({ workerd, load, calls, expected, callsNote }, name, results) {
  const before = await calls();
  const cpuMs = workerd.cpuMs();
  const answer = await load.once();
  const result = (results[name] ??= { ms: [], cpuMs: [], calls: [], callsNote });
  result.cpuMs.push(workerd.cpuMs() - cpuMs);
  result.ms.push(answer.ms);
  mustBe(answer, expected, name);
  result.calls.push((await calls()) - before);
}

// With a slow source, also what a first deployment meets: a coordinator that has nothing yet.
export function slow(stage, bytes) {
  const peers = everybody(stage, bytes);
  const ours = Object.keys(peers).filter((name) => name.includes("reader"));
  // Its counters are not asked for: that would wake it.
  for (const name of ours) peers[`${name}, coordinator new`] = { ...peers[name], prepare: undefined, calls: undefined };
  return peers;
}
