// Headers, where they are odd. What both readers take is in tests/vectors/answers.json.

import assert from "node:assert/strict";
import { test } from "node:test";

import { parseReply } from "../src/wire.ts";

const reply = (status: number, headers: Record<string, string>, ahead?: number) =>
  parseReply(ahead, { status, headers: new Headers(headers) } as Response);
const GOOD = { "bellwether-version": "8", etag: '"v8-0"', "bellwether-freshness": "age_ms=1, ttl_ms=2, swr_ms=3" };

test("a good answer, whole", () => {
  const pending = { version: 9, in: 5 };
  const headers = { ...GOOD, "bellwether-pending": "in_ms=5;p=1, x, version=9" };
  const terms = { age: 1, ttl: 2, swr: 3, base: false };
  assert.deepEqual(reply(200, headers), { ...terms, pending, version: 8, etag: '"v8-0"' });
  assert.deepEqual(reply(304, headers), { ...terms, pending, version: 0, etag: '"v8-0"' });
});

test("only what was asked for ahead may be gone", () => {
  assert.equal(reply(404, {}, 9), undefined);
  assert.throws(() => reply(404, {}), /404/);
});

test("base is a flag", () => {
  for (const [flag, base] of [["base", true], ["base=?1", true], ["base=?0", false], ["base=1", false], ["Base", false]] as const) {
    const headers = { ...GOOD, "bellwether-freshness": `age_ms=1, ttl_ms=2, ${flag}, swr_ms=3` };
    assert.equal(reply(200, headers)?.base, base, flag);
  }
});

test("strings may hold anything, also where they do not end", () => {
  for (const odd of ['x="a, ttl_ms=9"', 'x="\\", swr_ms=9"', 'x=";", y=","']) {
    const headers = { ...GOOD, "bellwether-freshness": `${odd}, age_ms=1, ttl_ms=2, swr_ms=3` };
    assert.deepEqual([reply(200, headers)?.ttl, reply(200, headers)?.swr], [2, 3], odd);
  }
  const cut = { ...GOOD, "bellwether-freshness": 'age_ms=1, ttl_ms=2, swr_ms=3, x="a, ttl_ms=9\\' };
  assert.equal(reply(200, cut)?.ttl, 2);
});

test("no header takes long", () => {
  const began = performance.now();
  for (const part of [" ", '"', "\\", ",", ";", "=", '"\\', "a=", '",'] as const) {
    for (const long of [part.repeat(50_000), `x="${part.repeat(50_000)}`, `x=${part.repeat(50_000)}y`]) {
      const headers = { get: (name: string) => (name === "bellwether-version" ? "8" : long) };
      assert.throws(() => parseReply(undefined, { status: 200, headers } as never));
    }
  }
  // Quadratic work would take minutes.
  assert(performance.now() - began < 20_000);
});
