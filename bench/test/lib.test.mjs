// What the benchmarks stand on: node --test bench/test/
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { barsOf } from "../lib/bars.mjs";
import { chart } from "../lib/chart.mjs";
import { PlayedKv } from "../lib/kv.mjs";
import { Load } from "../lib/load.mjs";
import { report } from "../lib/report.mjs";
import { median, quantile, ratios, summary } from "../lib/stats.mjs";
import { stepsOf } from "../lib/steps.mjs";
import { answerTo, documents, keyOf } from "../peers/documents.mjs";

test("a median, a range and the ratio of rounds", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(quantile([5], 0.9), 5);
  assert.deepEqual(summary([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]), { median: 6, low: 3, high: 8 });
  assert.equal(ratios([2, 40, 6], [1, 10, 2]).median, 3, "one round that was disturbed does not tell");
});

// Serves these pieces for each request, one after the other.
async function served(pieces, work) {
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    socket.on("data", async () => {
      for (const piece of pieces) {
        if (piece === null) return socket.end();
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

const untimed = ({ ms, ...answer }) => (assert.ok(ms >= 0), answer);

test("answers are told apart wherever they are cut", async () => {
  const whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde";
  for (let cut = 1; cut < whole.length; cut += 1) {
    await served([whole.slice(0, cut), whole.slice(cut)], async (port) => {
      assert.deepEqual(untimed(await new Load(port, "/").run(3, 2)), { status: 200, bytes: 5 }, `cut at ${cut}`);
    });
  }
});

test("an answer without a body is one", async () => {
  await served(["HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"], async (port) => {
    assert.deepEqual(untimed(await new Load(port, "/", {}, 304).run(4, 1)), { status: 304, bytes: 0 });
  });
});

test("an answer's text, where it is wanted", async () => {
  await served(["HTTP/1.1 200 OK\r\nX-Content-Length: 9\r\nContent-Length: 5\r\n\r\nab", "cde"], async (port) => {
    assert.deepEqual(untimed(await new Load(port, "/").once()), { status: 200, bytes: 5, text: "abcde" });
  });
});

test("an answer without a body to be is one, and the next one is told apart from it", async () => {
  await served(["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], async (port) => {
    assert.deepEqual(untimed(await new Load(port, "/").run(3, 1)), { status: 200, bytes: 0 });
  });
});

test("what is not the answer that was expected ends the run", async () => {
  const cases = [
    ["HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", /503, not 200/],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", /without a length/],
    [null, /closed/],
  ];
  for (const [piece, message] of cases) {
    await served([piece], (port) => assert.rejects(new Load(port, "/").run(4, 2), message));
  }
});

test("each peer's configuration has what is looked up, and the size that is wanted", () => {
  for (const bytes of [1_000, 20_000]) {
    const { config, kv, growthbook, edgeConfig, flagship } = documents(bytes);
    const named = (values) => Object.entries(values).every(([key, { name }]) => key === name);
    assert.equal(
      config.items.slice(0, 20).reduce((sum, { width }) => sum + width, 0),
      Number(answerTo(20)),
    );
    assert.ok(named(edgeConfig) && flagship.length >= 20 && edgeConfig[keyOf(19)].width === 19);
    assert.equal(JSON.parse(growthbook).features[keyOf(19)].defaultValue.width, 19);
    for (const text of Object.values(kv)) assert.ok(bytes < 20_000 || Math.abs(text.length - bytes) < 0.15 * bytes, `${text.length}`);
  }
});

test("a played store counts what is read of it, and keeps what is written", async () => {
  const kv = await PlayedKv.start({ "a b": "one" });
  const ask = async (path, more) => {
    const reply = await fetch(kv.url + path, more);
    return [reply.status, await reply.text(), kv.calls];
  };
  try {
    assert.deepEqual(await ask("/a%20b?urlencoded=true"), [200, "one", 1]);
    assert.deepEqual(await ask("/c"), [404, "", 2]);
    assert.deepEqual(await ask("/c", { method: "PUT", body: "two" }), [200, "", 2]);
    assert.deepEqual(await ask("/c"), [200, "two", 3]);
  } finally {
    await kv.stop();
  }
});

test("a first request's time is split by what the lesser Worker took in the same round", () => {
  const took = { "empty JS": 1, "empty Rust": 3, "JS twin": 2, "Bellwether, TypeScript reader": 2.5, "Bellwether, Rust reader": 9 };
  const peers = Object.fromEntries(Object.entries(took).map(([name, ms]) => [name, { ms: [ms, ms + 100] }]));
  const text = stepsOf({ "new isolate, 1 MB": peers });
  assert.match(text, /\| Bellwether, Rust reader − empty Rust \| .* \| 6\.00 \(6\.00 to 6\.00\) \|/);
  assert.equal(stepsOf({}), "");
});

test("a bar is judged by the rounds' ratios, and a peer is faster that is so in most of them", () => {
  const peer = (...ms) => ({ ms, calls: [1] });
  const part = "new isolate, 20 KB, 20 lookups";
  const ours = {
    "Bellwether, TypeScript reader": peer(2, 2, 2),
    "Bellwether, Rust reader": peer(3, 3, 3),
    "Bellwether, Rust reader, own entry": peer(2.2, 2.2, 2.2),
    "Bellwether, whole": peer(3, 3, 3),
  };
  const sizes = { "@bellwether/reader": 3_000, "Rust reader, over an empty Rust Worker": 32_000, "Bellwether's own Worker": 1 };
  const verdicts = (rival) => barsOf({ sizes, [part]: { ...ours, Rival: rival } }).map(({ verdict }) => verdict);
  assert.deepEqual(verdicts(peer(4, 4, 4)), ["met", "met", "missed by 25.0 %", "met", "met", "met", "met"]);
  assert.deepEqual(verdicts(peer(3, 1, 3)).slice(-3), ["met", "met", "met"], "one round does not tell");
  assert.deepEqual(verdicts(peer(2.5, 2.5, 2.5)).slice(-3), ["met", "met", "missed"]);
});

test("a report has a table for each part, whatever was run of it", () => {
  const kinds = {
    a: { kind: "warm", heading: "Warm requests" },
    b: { kind: "first", heading: "First requests" },
    c: { kind: "parse", heading: "Parsing" },
    d: { kind: "warm", heading: "The object" },
  };
  const results = {
    sizes: { "@bellwether/reader": 3_000, "Rust reader, over an empty Rust Worker": 1, "Bellwether's own Worker": 1 },
    a: { One: { connections: [1, 10], cpuUs: [50], perSecond: [[1_500], [2_500]], calls: 3, requests: 4 } },
    b: { One: { ms: [1.234], cpuMs: [2.5], calls: [1, 2] }, Other: { ms: [1], cpuMs: [20], calls: [0], callsNote: "not counted" } },
    c: { One: { us: [1_234] } },
  };
  const { text, summary } = report(results, kinds, {
    machine: { date: "2026-01-02", processor: "p", memory: "m", system: "s", load: "0.1" },
    versions: { workerd: "w" },
  });
  for (const row of [
    "| One | 50.0 (50.0 to 50.0) | 1,500 (1,500 to 1,500) | 2,500 (2,500 to 2,500) | 0.750 |",
    "| One | 1.23 (1.23 to 1.23) | 2.50 (2.50 to 2.50) | 2 |",
    "| Other | 1.00 (1.00 to 1.00) | 20.0 (20.0 to 20.0) | not counted |",
    "| One | 1,234 (1,234 to 1,234) |",
  ])
    assert.ok(text.includes(row), row);
  assert.doesNotMatch(text, /NaN|undefined|The object/);
  assert.match(summary, /3 of 3 bars met/);
});

test("a chart has a bar and a label for each value, and escapes", () => {
  const bars = [{ median: 20, low: 10, high: 90 }, undefined];
  const svg = chart({ title: "a < b", unit: "ms", series: ["x", "y"], groups: [{ name: "one & two", bars }] });
  assert.match(svg, /a &lt; b/);
  assert.match(svg, /one &amp; two/);
  assert.match(svg, />20\.0</);
  assert.doesNotMatch(svg, /NaN|undefined/);
});
