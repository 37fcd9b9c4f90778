// The quick look at a document: never a yes where the package finds something, and a yes wherever it knows all keywords.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "../../src/schema/compile.mjs";
import { begin } from "../../src/schema/limits.mjs";
import { quick } from "../../src/schema/quick.mjs";
import { validate as run } from "../../target/validate.mjs";
import { random, seed } from "./support.mjs";

const below = random(seed);
const one = (list) => list[below(list.length)];
const some = (most, make) => Array.from({ length: below(most + 1) }, make);

const KEYS = ["a", "b", "toString", "__proto__"];
const SCALARS = [null, true, false, 0, 1, -1.5, 2, "", "a", "ab", "bab", "😀"];

const key = () => one(KEYS);
// No `null` prototype and no setter: as JSON.parse makes them.
const objectOf = (members) => JSON.parse(`{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)}}`);

function value(depth) {
  const kind = below(depth > 0 ? 4 : 2);
  if (kind < 2) return one(SCALARS);
  return kind === 2 ? some(3, () => value(depth - 1)) : objectOf(some(3, () => [key(), value(depth - 1)]));
}

const names = () => [...new Set(some(2, key))];

// Of the keywords that the quick look knows.
const KEYWORDS = {
  type: () => one(["null", "boolean", "object", "array", "number", "integer", "string", ["string", "object"], ["integer", "null"]]),
  enum: () => some(4, () => one(SCALARS)),
  const: () => one(SCALARS),
  minimum: () => below(3) - 1,
  maximum: () => below(3),
  exclusiveMinimum: () => below(3) - 1,
  exclusiveMaximum: () => below(3),
  minLength: () => below(3),
  maxLength: () => below(3),
  pattern: () => one(["^a", "b$", "^(a|b)+$", "\\bb"]),
  minItems: () => below(3),
  maxItems: () => below(3),
  items: schema,
  prefixItems: (depth) => [schema(depth), ...some(1, () => schema(depth))],
  minProperties: () => below(3),
  maxProperties: () => below(3),
  required: names,
  properties: (depth) => objectOf(names().map((name) => [name, schema(depth)])),
  patternProperties: (depth) => objectOf([["^a", schema(depth)], ["b", schema(depth)]].slice(below(3))),
  additionalProperties: schema,
  allOf: (depth) => [schema(depth), ...some(1, () => schema(depth))],
  anyOf: (depth) => [schema(depth), ...some(1, () => schema(depth))],
  $ref: () => "#/$defs/d",
};

function schema(depth) {
  if (depth === 0) return one([true, true, false, {}]);
  return objectOf(some(3, () => one(Object.keys(KEYWORDS))).map((name) => [name, KEYWORDS[name](depth - 1)]));
}

test(`random documents and schemas, seed ${seed}`, () => {
  let [yes, no] = [0, 0];
  for (let round = 0; round < 20_000; round += 1) {
    // What is referred to refers to nothing, so that nothing leads back.
    const written = { $defs: { d: { type: one(["string", "object"]) } }, ...schema(3) };
    const made = compile(written);
    assert.deepEqual(made.reasons, [], JSON.stringify(written));
    const keeps = quick(made);
    for (let documents = 0; documents < 3; documents += 1) {
      const document = value(3);
      begin(made.patterns);
      const expected = run(document, made.root, made.lookup).errors.length === 0;
      begin(made.patterns, true);
      assert.equal(keeps(document), expected, `${JSON.stringify(written)} ${JSON.stringify(document)}`);
      if (expected) yes += 1;
      else no += 1;
    }
  }
  assert.ok(yes > 1_000 && no > 1_000, `${yes} yes, ${no} no`);
});

test("what it does not know is no yes", () => {
  for (const written of [{ not: { type: "null" } }, { oneOf: [{}] }, { enum: [[1]] }, { properties: { a: { multipleOf: 1 } } }]) {
    const made = compile(written);
    begin(made.patterns, true);
    assert.equal(quick(made)(written.enum ? [1] : { a: 1 }), false, JSON.stringify(written));
  }
});

test("a tree that refers to itself", () => {
  const made = compile({ type: "object", properties: { left: { $ref: "#" }, right: { $ref: "#" } }, additionalProperties: false });
  const keeps = quick(made);
  begin(made.patterns, true);
  assert.equal(keeps({ left: { left: {}, right: {} } }), true);
  assert.equal(keeps({ left: { left: {}, middle: {} } }), false);
});
