// Nothing of the schema is quoted where it concerns a secret, and nothing of the document anywhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { violations } from "./support.mjs";

const CANARY = "CANARY";
const listed = { enum: [CANARY, "other"], pattern: CANARY };

// A schema in which one place has `listed`, and a document with "v" in it.
const SECRETS = [
  [{ properties: { "api-Key": listed } }, { "api-Key": "v" }],
  [{ properties: { auth: { properties: { db_password: listed } } } }, { auth: { db_password: "v" } }],
  [{ properties: { TOKENS: { items: listed } } }, { TOKENS: ["v"] }],
  [{ properties: { credentials: { properties: { x: listed } } } }, { credentials: { x: "v" } }],
  [{ properties: { x: { writeOnly: true, ...listed } } }, { x: "v" }],
  [{ properties: { x: { writeOnly: true, properties: { y: listed } } } }, { x: { y: "v" } }],
  [{ properties: { x: { $ref: "#/$defs/s" } }, $defs: { s: { writeOnly: true, allOf: [listed] } } }, { x: "v" }],
  // Marked in another part of the schema than the one that is broken.
  [{ properties: { x: listed }, allOf: [{ anyOf: [{ properties: { x: { writeOnly: true } } }] }] }, { x: "v" }],
  [{ properties: { x: listed }, patternProperties: { "^x": { $ref: "#/$defs/s" } }, $defs: { s: { writeOnly: true } } }, { x: "v" }],
  [{ properties: { x: listed }, dependentSchemas: { z: { additionalProperties: { writeOnly: true } } } }, { x: "v" }],
  [{ properties: { x: { items: listed, allOf: [{ items: { writeOnly: true } }] } } }, { x: ["v"] }],
  [{ writeOnly: true, properties: { x: listed } }, { x: "v" }],
];

test("nothing is quoted for a secret", () => {
  for (const [schema, document] of SECRETS) {
    const said = violations(schema, document);
    const what = JSON.stringify([schema, said]);
    assert.equal(said.length, 2, what);
    assert.ok(said[0].endsWith("expected one of the listed values"), what);
    assert.ok(said[1].endsWith('expected a text that matches what "pattern" says'), what);
    assert.ok(!said.join().includes(CANARY), what);
  }
});

test("alternatives, contents and what is not wanted are described without their values, too", () => {
  for (const [of, value] of [
    [{ anyOf: [{ const: CANARY }] }, 1],
    [{ not: { const: CANARY } }, CANARY],
    [{ contains: { const: CANARY } }, [1]],
  ]) {
    const said = violations({ properties: { token: of } }, { token: value });
    assert.equal(said.length, 1);
    assert.ok(said[0].includes("listed value") && !said[0].includes(CANARY), said[0]);
  }
});

test("a schema too wide to follow is not quoted", () => {
  for (const [width, expected] of [
    [4_000, '"a"'],
    [5_000, "the one listed value"],
  ]) {
    const wide = { properties: { x: { enum: ["a"], allOf: Array(width).fill({}) } } };
    assert.deepEqual(violations(wide, { x: 1 }), [`/x: found a number; expected ${expected}`]);
  }
});

test("no value of the document is told", () => {
  const at = { type: "number", enum: [1], maxLength: 2, pattern: "^x$", not: { minLength: 1 }, anyOf: [{ type: "null" }, { maxLength: 1 }] };
  const schema = { properties: { a: at, b: { uniqueItems: true, contains: { type: "null" }, items: at }, c: { propertyNames: { maxLength: 1 } } } };
  const said = violations(schema, { a: CANARY, b: [CANARY, CANARY], c: {} });
  assert.ok(said.length > 10 && !said.join().includes(CANARY), said.join("\n"));
});
