// What the benchmarks stand on: node --test bench/test/
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { Load } from "../lib/load.mjs";
import { median, quantile, ratio, summary } from "../lib/stats.mjs";

test("a median, a range and the ratio of rounds", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(quantile([5], 0.9), 5);
  assert.deepEqual(summary([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]), { median: 6, low: 2, high: 10 });
  assert.equal(ratio([2, 40, 6], [1, 10, 2]), 3, "one round that was disturbed does not tell");
});

// Serves these pieces for each request, one after the other.
async function served(pieces, work) {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.on("data", async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(server.address().port);
  } finally {
    server.close();
  }
}

test("answers are told apart wherever they are cut", async () => {
  const whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde";
  for (let cut = 1; cut < whole.length; cut += 1) {
    await served([whole.slice(0, cut), whole.slice(cut)], async (port) => {
      assert.deepEqual(await new Load(port, "/").run(3, 2), { status: 200, bytes: 5 }, `cut at ${cut}`);
    });
  }
});

test("an answer without a body is one", async () => {
  await served(["HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"], async (port) => {
    assert.deepEqual(await new Load(port, "/").run(4, 1), { status: 304, bytes: 0 });
  });
});
