// What is this reader's own: how it is made, what a read gives, schemas, transports, and that requests share no promise.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import * as v from "valibot";
import { z } from "zod";

import { createReader, ExpiredError, type Options } from "../src/index.ts";
import { colo } from "../src/colo.ts";
import { note, report } from "../src/report.ts";
import { schema } from "../src/schema.ts";
import { vars } from "../src/vars.ts";
import { Scene } from "./scene.ts";

const answered = (call: number, version: number, body?: string, freshness = "age_ms=0, ttl_ms=1000, swr_ms=4000") => ({
  answer: call,
  status: 200,
  headers: { "bellwether-version": `${version}`, etag: `"v${version}"`, "bellwether-freshness": freshness },
  body: body ?? `{"a":${version},"b":${version}}`,
});
const ctx = { waitUntil: () => {} };

afterEach(() => Scene.giveBack());

test("what is held is given without a promise, and the same value every time", async () => {
  const scene = new Scene();
  assert(scene.reader.read({}, ctx) instanceof Promise, "a cold read waits");
  await scene.step(answered(1, 1));
  const [first, second] = [scene.reader.read({}, ctx), scene.reader.read({}, ctx)];
  assert(!(first instanceof Promise) && !(second instanceof Promise));
  assert.equal(first.value, second.value);
  assert.notEqual(first, second, "a read keeps its own age");
});

test("a minimum version is a number or a header's value, and anything else is none", async () => {
  for (const [atLeast, asks] of [[2, true], ["2", true], [1, false], ["1", false], [null, false], ["x", false], ["", false]] as const) {
    const scene = new Scene();
    await scene.step({ read: 1 });
    await scene.step(answered(1, 1));
    assert.equal(scene.reader.read({}, ctx, atLeast) instanceof Promise, asks, `${atLeast}`);
  }
});

test("an expired read throws, or rejects, with its own error", async () => {
  const scene = new Scene({ on_expired: "error" });
  await scene.step({ read: 1 });
  await scene.step(answered(1, 1, undefined, "age_ms=0, ttl_ms=1, swr_ms=1"));
  await scene.step({ pass: 5 });
  const waiting = assert.rejects(async () => scene.reader.read({}, ctx), ExpiredError);
  await scene.step({ fail: 2 });
  await waiting;
  assert.throws(() => scene.reader.read({}, ctx), ExpiredError);
});

test("the options can shorten what the coordinator says, and not lengthen it", async () => {
  for (const [options, fresh, stale] of [
    [{ ttl: 10, staleWhileRevalidate: 20 }, 10, 30],
    [{ ttl: 1e9, staleWhileRevalidate: 1e9 }, 1000, 5000],
  ] as const) {
    const scene = new Scene({}, options);
    await scene.step({ read: 1 });
    await scene.step(answered(1, 1));
    for (const [at, state] of [[fresh - 1, "fresh"], [fresh, "stale"], [stale - 1, "stale"], [stale, "expired"]] as const) {
      await scene.step({ pass: at - scene.elapsed });
      assert.equal(scene.reader.peek().state, state, `${at}`);
    }
  }
});

test("a base that does not fit is a mistake where it stands", () => {
  const binding = "COORDINATOR";
  const validate = schema(z.object({ width: z.number() }));
  assert.throws(() => createReader({ binding, base: { width: "s3cret" }, validate }), /\/width: refused by zod/);
  assert.throws(() => createReader({ binding, base: [] as object }), /expected an object/);
  assert.throws(() => createReader({ binding, base: {}, space: "No Name" }), TypeError);
});

test("zod and valibot: typed, all or nothing, the place told and no value", async () => {
  const zod = z.object({ video: z.object({ width: z.number() }), "a/b~c": z.array(z.number()) });
  const valibot = v.object({ video: v.object({ width: v.number() }), "a/b~c": v.array(v.number()) });
  for (const validate of [schema(zod), schema(valibot)]) {
    const base = { video: { width: 1 }, "a/b~c": [] };
    const scene = new Scene({ cold_start: "base" }, { validate, base } as Partial<Options>);
    await scene.step({ read: 1 });
    await scene.step(answered(1, 1, '{"video":{"width":2},"a/b~c":[1],"more":3}'));
    assert.deepEqual(scene.reader.peek().value, { video: { width: 2 }, "a/b~c": [1] });
    for (const [call, body, pointer] of [
      [2, '{"video":{"width":"s3cret"},"a/b~c":[]}', "/video/width"],
      [3, '{"video":{"width":4},"a/b~c":[1,"s3cret"]}', "/a~1b~0c/1"],
      [4, '{"video":{"width":4}}', "/a~1b~0c"],
    ] as const) {
      await scene.step({ pass: 1000 });
      await scene.step({ read: call });
      await scene.step(answered(call, call, body));
      const rejection = scene.reader.status().lastRejection!;
      assert.deepEqual([rejection.version, rejection.pointer], [call, pointer]);
      assert(!JSON.stringify(scene.reader.status()).includes("s3cret"));
      assert.equal(scene.reader.peek().version, 1);
    }
  }
});

test("a rejection's place and reason are encoded and cut, characters whole", async () => {
  const cut = /^(%F0%9F%98%80~%2F%2C%EF%BF%BD%C3%A9)+/;
  for (const [text, expected] of [
    ["", /^$/],
    ["a,b /~c é", /^a%2Cb%20%2F~c%20%C3%A9$/],
    ["\u{1f600}~/,\ud800é".repeat(100), cut],
  ] as const) {
    const rejection = { version: 7, pointer: text, message: text };
    const told = report()({ ...new Scene().reader.status(), lastRejection: rejection }).split(",");
    assert.deepEqual([told.length, told[10]], [13, "7"]);
    for (const [part, most] of [[told[11]!, 200], [told[12]!, 400]] as const) {
      assert.match(part, expected);
      assert(part.length <= most && (expected !== cut || part.length > most - 12), part);
      assert.doesNotThrow(() => decodeURIComponent(part));
    }
  }
});

test("a report says where the isolate is once a request told that", async () => {
  const status = new Scene().reader.status();
  for (const [cf, colo] of [[undefined, "---"], [{ colo: "fra" }, "---"], [{ colo: "FRA" }, "FRA"], [{ colo: "A,1" }, "FRA"], [{}, "FRA"]] as const) {
    note({ cf });
    assert.equal(report()(status), `1,0000000000000001,${colo},0,0,0,0,0,0,0`);
  }
});

test("where the coordinator has no name of its own the colo tier is off, and one line says so", async () => {
  const tier = colo();
  const told: string[] = [];
  const env = { LEADER: { fetch: () => Promise.reject(new Error("down")) }, TOKEN: "s3cret" };
  const scene = new Scene({ cold_start: "base" }, { binding: undefined, service: "LEADER", token: "TOKEN", colo: tier } as never);
  console.warn = (line: string) => told.push(JSON.parse(line).event);
  for (const pass of [0, 1000]) {
    await scene.step({ pass });
    await scene.reader.read(env, ctx);
    await scene.step({ peek: true });
  }
  assert.deepEqual([tier.hits(), told], [null, ["colo_cache_off", "reader_call_failed", "reader_call_failed"]]);
});

test("the colo tier means the same place as the Rust reader's", async () => {
  const options = { binding: undefined, url: "https://h.example:8/x y/é_~'(!*)/", token: () => "s3cret", space: "a-b" };
  const scene = new Scene({ colo_cache: true }, options as never);
  await scene.step({ cache: "hangs" });
  const key = "https://colo.bellwether.invalid/1/https%3A%2F%2Fh.example%3A8%2Fx%20y%2F%C3%A9_~'(!*)/a-b";
  assert.deepEqual(await scene.step({ read: 1 }), [{ look: key }]);
});

test("a schema gives types", () => {
  const reader = createReader({
    binding: "COORDINATOR",
    base: { width: "1" },
    validate: schema(z.object({ width: z.string().transform(Number) })),
  });
  const width: number = reader.peek().value.width;
  assert.equal(width, 1);
});

test("a schema or a check of one's own that throws or is asynchronous refuses", async () => {
  const standard = (validate: any) => schema({ "~standard": { version: 1, vendor: "odd", validate } });
  for (const validate of [
    standard((document: any) => (document.base ? { value: document } : document.x.y)),
    standard((document: any) => (document.base ? { value: document } : Promise.resolve({ value: document }))),
    (document: any) => [document.base ?? document.x.y],
    (document: any) => (document.base ? [document] : Promise.resolve([document])),
  ]) {
    const scene = new Scene({}, { validate } as Partial<Options>);
    await scene.step({ read: 1 });
    await scene.step(answered(1, 1));
    assert.deepEqual([scene.reader.peek().state, scene.reader.status().lastRejection?.version], ["base", 1]);
  }
});

test("vars are a merge patch on the base, where that fits", () => {
  const base = { a: { b: 1, c: 2 }, d: [1] };
  const validate = schema(z.object({ a: z.object({ b: z.number() }) }));
  for (const [layer, expected] of [
    [undefined, base],
    [{ a: { c: null, b: 3 }, e: 4 }, { a: { b: 3 }, d: [1], e: 4 }],
    ['{"d":null,"__proto__":{"b":7}}', JSON.parse('{"a":{"b":1,"c":2},"__proto__":{"b":7}}')],
    ['{"a":', base],
    [[1], base],
    [{ a: { b: "s3cret" } }, base],
  ] as const) {
    console.warn = (line: string) => assert(!line.includes("s3cret"), line);
    assert.deepEqual(vars(base, { BELLWETHER_VARS: layer }, validate), expected);
  }
  assert.deepEqual(base, { a: { b: 1, c: 2 }, d: [1] });
  assert.deepEqual(vars({}, { BELLWETHER_VARS: { a: null } }), { a: null }, "the lowest layer is no patch");
});

test("by service and by URL with a token, which stands in no message", async () => {
  const asked: unknown[] = [];
  const fetch = async (url: string, { headers, redirect }: any) => {
    asked.push([url, headers.authorization, redirect]);
    throw new Error("down");
  };
  const env = { LEADER: { fetch }, TOKEN: " s3cret\n" };
  const real = globalThis.fetch;
  globalThis.fetch = fetch as never;
  try {
    for (const by of [{ service: "LEADER", token: "TOKEN" }, { url: "https://config.example/", token: (env: any) => env.TOKEN }] as const) {
      const scene = new Scene({}, { binding: undefined, ...by } as never);
      await scene.reader.read(env, ctx);
      assert.match(scene.reader.status().lastFailure!, /down/);
    }
  } finally {
    globalThis.fetch = real;
  }
  const path = "/v1/spaces/default/snapshot";
  assert.deepEqual(asked, [
    ["https://bellwether" + path, "Bearer s3cret", "manual"],
    ["https://config.example" + path, "Bearer s3cret", "manual"],
  ]);
});

test("a binding or a secret that is not there is told by its name, and reads go on", async () => {
  for (const [by, name] of [[{ binding: "GONE" }, "GONE"], [{ service: "LEADER", token: "GONE" }, "GONE"]] as const) {
    const scene = new Scene({}, { binding: undefined, ...by } as never);
    const read = await scene.reader.read({ LEADER: { fetch } }, ctx);
    assert.equal(read.state, "base");
    assert(scene.reader.status().lastFailure!.includes(name));
  }
});
