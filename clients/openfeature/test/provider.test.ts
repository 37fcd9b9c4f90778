// The provider by OpenFeature's own SDK, over a real reader whose coordinator is played at its binding.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenFeature } from "@openfeature/server-sdk";

const { createReader } = (await import(process.env.READER_MODULE!)) as typeof import("../../ts/src/index.ts");
const { provider } = (await import(process.env.PROVIDER_MODULE!)) as typeof import("../src/index.ts");

const DOCUMENT = {
  on: true,
  video: { max_width: 1920, mode: "fit", "a.b": 1, "c/d": 2, "e~f": 3, none: null },
  routes: [{ name: "first" }],
};
const BASE = { on: false, video: { max_width: 1280 } };
const ctx = { waitUntil: () => {} };

async function flags(options: { answers?: boolean; ttlMs?: number } = {}) {
  const { answers = true, ttlMs = 60_000 } = options;
  const headers = { etag: '"v7-0123456789abcdef"', "bellwether-version": "7", "bellwether-freshness": `age_ms=0, ttl_ms=${ttlMs}, swr_ms=60000` };
  const stub = { fetch: async () => (answers ? new Response(JSON.stringify(DOCUMENT), { headers }) : new Response("", { status: 503 })) };
  const namespace = { idFromName: (name: string) => name, get: () => stub, getByName: () => stub };
  const reader = createReader({ binding: () => namespace, base: BASE, coldStart: { wait: 1_000 }, deadline: 1_000 });
  await reader.read({}, ctx);
  await OpenFeature.setProviderAndWait(provider(reader));
  return OpenFeature.getClient();
}

test("each type of flag", async () => {
  const client = await flags();
  assert.equal(await client.getBooleanValue("on", false), true);
  assert.equal(await client.getNumberValue("video.max_width", 1), 1920);
  assert.equal(await client.getStringValue("video.mode", "none"), "fit");
  assert.deepEqual(await client.getObjectValue("routes", []), DOCUMENT.routes);
  assert.deepEqual(await client.getObjectValue("video", {}), DOCUMENT.video);
});

test("names with dots and slashes, and places in arrays, by JSON Pointer", async () => {
  const client = await flags();
  assert.equal(await client.getNumberValue("/video/a.b", 0), 1);
  assert.equal(await client.getNumberValue("/video/c~1d", 0), 2);
  assert.equal(await client.getNumberValue("/video/e~0f", 0), 3);
  assert.equal(await client.getStringValue("/routes/0/name", ""), "first");
});

test("details tell version, age and state", async () => {
  const details = await (await flags()).getNumberDetails("video.max_width", 1);
  assert.equal(details.reason, "STATIC");
  const { version, state, age_ms } = details.flagMetadata;
  assert.deepEqual([version, state], [7, "fresh"]);
  assert.ok(Number(age_ms) >= 0);
});

test("what is stale, and what is built in, is told as that", async () => {
  const stale = await (await flags({ ttlMs: 0 })).getNumberDetails("video.max_width", 1);
  assert.deepEqual([stale.value, stale.reason], [1920, "STALE"]);
  const base = await (await flags({ answers: false })).getNumberDetails("video.max_width", 1);
  assert.deepEqual([base.value, base.reason], [1280, "DEFAULT"]);
  assert.deepEqual(base.flagMetadata, { state: "base", age_ms: 0 });
});

test("what is not there, or of another type, is an error, and the default is given", async () => {
  const client = await flags();
  const missing = ["nothing", "video.nothing", "on.more", "constructor", "__proto__", "/routes/1", "/routes/00", "/routes/length", "video..mode"];
  for (const key of missing) {
    const details = await client.getStringDetails(key, "mine");
    assert.deepEqual([details.value, details.reason, details.errorCode], ["mine", "ERROR", "FLAG_NOT_FOUND"], key);
  }
  for (const key of ["on", "video.max_width", "routes", "video", "video.none"]) {
    const details = await client.getStringDetails(key, "mine");
    assert.deepEqual([details.value, details.reason, details.errorCode], ["mine", "ERROR", "TYPE_MISMATCH"], key);
  }
  assert.equal((await client.getObjectDetails("on", {})).errorCode, "TYPE_MISMATCH");
  const { errorMessage } = await client.getBooleanDetails("video.max_width", true);
  assert.equal(errorMessage, "found a number, expected a boolean");
});

test("a key that is no path is an error", async () => {
  const client = await flags();
  for (const key of ["", "/a~2", "/a~"]) assert.equal((await client.getBooleanDetails(key, true)).errorCode, "PARSE_ERROR", key);
});
