// Peers taking turns: what disturbs the machine for a while then disturbs all of them.

// `work` for each of `running` in each round, in an order that starts with another one each time: whoever follows a
// peer that leaves the caches cold would pay for it always.
export async function takeTurns(running, rounds, say, work) {
  const names = Object.keys(running);
  for (let round = 0; round < rounds; round += 1) {
    for (let index = 0; index < names.length; index += 1) {
      const name = names[(index + round) % names.length];
      say(`round ${round + 1} of ${rounds}: ${name}`);
      await work(name, running[name]);
    }
  }
}

// Starts all of `chosen` and has `work` done with them; they are ended whatever happens.
export async function withAll(chosen, start, work) {
  const running = {};
  try {
    for (const [name, peer] of Object.entries(chosen)) running[name] = await start(peer, name);
    return await work(running);
  } finally {
    await Promise.all(Object.values(running).map(({ workerd }) => workerd.stop()));
  }
}
