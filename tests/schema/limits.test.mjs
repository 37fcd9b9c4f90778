// What could run away ends with an answer, and never with a yes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { check, validate } from "../../src/schema/schema.mjs";
import { code, ofV } from "./support.mjs";

const list = (length, make) => Array.from({ length }, (_, index) => make(index));

// Each definition tries the next one twice.
function doubling(keyword) {
  const definitions = list(40, (level) => {
    const next = { $ref: `#/$defs/d${level + 1}` };
    return [`d${level}`, { [keyword]: [next, next] }];
  });
  return { $defs: { ...Object.fromEntries(definitions), d40: { type: "string" } }, $ref: "#/$defs/d0" };
}

function chain(length) {
  const definitions = list(length, (level) => [`d${level}`, { $ref: `#/$defs/d${level + 1}` }]);
  return { $defs: { ...Object.fromEntries(definitions), [`d${length}`]: {} }, $ref: "#/$defs/d0" };
}

const manyKeys = Object.fromEntries(list(60_000, (index) => [`k${index}`, 1]));
const ones = { v: list(500_000, () => 1) };
const objects = { v: list(100_000, () => ({})) };
const longKey = { ["~/".repeat(400_000)]: 1 };

const CASES = {
  "alternatives of alternatives": [doubling("anyOf"), {}],
  "the same without an answer among them": [doubling("oneOf"), {}],
  "many schemas for many keys": [{ allOf: list(60_000, () => ({})) }, manyKeys],
  "the same, violated": [
    { $defs: { a: { additionalProperties: false } }, anyOf: list(2_000, () => ({ $ref: "#/$defs/a" })) },
    manyKeys,
  ],
  "many names for many keys": [{ patternProperties: Object.fromEntries(list(500, (index) => [`x${index}`, {}])) }, manyKeys],
  "pairs of items": [ofV({ uniqueItems: true }), { v: list(150_000, (index) => index) }],
  "pairs of objects": [ofV({ uniqueItems: true }), { v: list(4_000, (index) => ({ a: 1, b: 2, c: 3, d: 4, index })) }],
  "many lengths of one text": [ofV({ allOf: list(10_000, () => ({ minLength: 1 })) }), { v: "x".repeat(1_000_000) }],
  "many pointers with one long key": [{ allOf: list(10_000, () => ({ additionalProperties: {} })) }, longKey],
  "many required keys of many objects": [ofV({ items: { required: list(20_000, (index) => `k${index}`) } }), objects],
  "many properties of many objects": [
    ofV({ items: { properties: Object.fromEntries(list(20_000, (index) => [`k${index}`, {}])) } }),
    objects,
  ],
  "a long list for many items": [ofV({ items: { enum: [["y".repeat(200_000)]] } }), { v: list(100_000, () => "z") }],
  "a violation for each of many items": [ofV({ items: { type: "string" } }), ones],
  "a long chain": [chain(3_000), {}],
  "a large pattern on a long text": [ofV({ pattern: "a{500}b" }), { v: "a".repeat(100_000) }],
  "many patterns on a text": [ofV({ allOf: list(1_000, (index) => ({ pattern: `(x+)+${index}` })) }), { v: "x".repeat(100_000) }],
};

for (const [what, [schema, document]] of Object.entries(CASES)) {
  test(what, () => {
    // With a keyword that the quick look leaves to the package, which is to reach its limit.
    const written = JSON.stringify({ not: { type: "null" }, ...schema });
    assert.equal(code(check(written)), "valid");
    assert.equal(code(validate(written, JSON.stringify(document))), "schema_limit");
  });
}

test("a document of full size is validated", () => {
  const verdict = (schema, document) => code(validate(JSON.stringify(ofV(schema)), JSON.stringify(document)));
  assert.equal(verdict({ items: { type: "number" } }, ones), "valid");
  assert.equal(verdict({ pattern: "^(x+)+$" }, { v: "x".repeat(1_000_000) }), "valid");
  assert.equal(verdict({ uniqueItems: true }, { v: list(17_000, (index) => `h${index}`) }), "valid");
});

test("after a limit all is as before", () => {
  const schema = JSON.stringify(ofV({ pattern: "^a{500}$" }));
  for (const [text, expected] of [["a".repeat(500), "valid"], ["a".repeat(200_000), "schema_limit"], ["a", "schema"], ["a".repeat(500), "valid"]]) {
    assert.equal(code(validate(schema, JSON.stringify({ v: text }))), expected);
  }
}); // prettier-ignore

test("what is no JSON is no yes", () => {
  for (const [schema, document] of [["{", "{}"], ["{}", "{"], ["", ""]]) {
    assert.equal(code(validate(schema, document)), "schema_limit");
  }
  assert.equal(code(check("{")), "schema_limit");
}); // prettier-ignore
