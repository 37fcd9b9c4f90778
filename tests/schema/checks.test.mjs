// Which schemas can be used, and what is said of the others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { check, validate } from "../../src/schema/schema.mjs";
import { code, random, refusals, seed } from "./support.mjs";

const WELL_FORMED = [
  "{}",
  '{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"t","x-own":{"type":5},"foo":[{}]}',
  '{"type":["string","null"],"enum":[],"const":{"a":[1]},"minLength":2.0,"multipleOf":1e-9}',
  '{"$defs":{"a":{"type":"object","properties":{"next":{"$ref":"#/$defs/a"}}}},"$ref":"#/$defs/a"}',
  '{"properties":{"a":{"$ref":"#"}}}',
  '{"$id":"https://h/s","properties":{"a":{"$ref":"/s"},"b":{"$ref":"https://h/i#x"}},"$defs":{"i":{"$id":"i","$anchor":"x"}}}',
  '{"$defs":{"é/%":{"type":"string"}},"items":{"$ref":"#/$defs/%C3%A9~1%25"}}',
  '{"$dynamicAnchor":"n","properties":{"c":{"$dynamicRef":"#n"}}}',
  '{"properties":{"__proto__":{"$ref":"#/properties/constructor"},"constructor":false}}',
  '{"patternProperties":{"^x-":true},"pattern":"^[a-z]+$","dependentRequired":{"a":["b","c"]}}',
];

const REFUSED = [
  ['{"type":5}', "/type: found a number; expected a type name or an array of different ones"],
  ['{"type":"strng"}', '/type: found an unknown type name; expected a type: did you mean "string"?'],
  ['{"type":["string","string"]}', "/type: found an array; expected a type name or an array of different ones"],
  ['{"required":"x"}', "/required: found a string; expected an array of different strings"],
  ['{"required":["a","a"]}', "/required: found an array; expected an array of different strings"],
  ['{"properties":{"a":7}}', "/properties/a: found a number; expected a schema: an object, true or false"],
  ['{"properties":[]}', "/properties: found an array; expected an object of schemas"],
  ['{"items":[{}]}', "/items: found an array; expected a schema: an object, true or false"],
  ['{"allOf":[]}', "/allOf: found an array; expected an array of schemas, with at least one"],
  ['{"minLength":-1}', "/minLength: found a number; expected a whole number, 0 or above"],
  ['{"maxItems":1.5}', "/maxItems: found a number; expected a whole number, 0 or above"],
  ['{"multipleOf":0.0}', "/multipleOf: found a number; expected a number above 0"],
  ['{"maximum":"5"}', "/maximum: found a string; expected a number"],
  ['{"uniqueItems":1}', "/uniqueItems: found a number; expected true or false"],
  ['{"dependentRequired":{"a":"b"}}', "/dependentRequired: found an object; expected an object with an array of different strings for each key"],
  ['{"$schema":"http://json-schema.org/draft-07/schema#"}', '/$schema: found a string; expected "https://json-schema.org/draft/2020-12/schema", or no "$schema" at all'],
  ['{"$id":"x#y"}', "/$id: found a string; expected a URI or path without a fragment"],
  ['{"$anchor":"1x"}', '/$anchor: found a string; expected a name: a letter or "_", then letters, digits, "-", "_" and "."'],
  ['{"$ref":"https://h/other"}', '/$ref: found the reference "https://h/other"; expected one that leads to an "$id" in this document: schemas elsewhere are not fetched'],
  ['{"$ref":"#/$defs/a"}', '/$ref: found the reference "#/$defs/a"; expected one that leads to a schema in this document'],
  ['{"$ref":"#a","x":{"$anchor":"a"}}', '/$ref: found the reference "#a"; expected one that leads to a schema in this document'],
  ['{"$ref":"#/%"}', '/$ref: found the reference "#/%"; expected one that leads to a schema in this document'],
  ['{"$ref":"#"}', "found references that lead back here for the same value; expected that each round goes deeper into the document"],
  ['{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}}', "/$defs/a: found references that lead back here for the same value; expected that each round goes deeper into the document"],
  ['{"items":{"$dynamicRef":"#n"},"$defs":{"a":{"$dynamicAnchor":"n"},"b":{"$id":"b","$dynamicAnchor":"n"}}}', '/items/$dynamicRef: found the reference "#n"; expected just one "$dynamicAnchor" of this name in the document'],
  ['{"$defs":{"a":{"$anchor":"n"},"b":{"$anchor":"n"}}}', "/$defs/b/$anchor: found an anchor that the document has twice; expected a name of its own"],
  ['{"$defs":{"a":{"$id":"n"},"b":{"$id":"./n"}}}', '/$defs/b: found an "$id" that the document has twice; expected an identifier of its own'],
  ['{"pattern":"(?=a)"}', '/pattern: found a pattern that looks ahead or behind; expected a pattern without "(?=", "(?!", "(?<=" and "(?<!", which take more than linear time'],
  ['{"patternProperties":{"[":true}}', '/patternProperties: found a pattern that cannot be read (Unterminated character class); expected a regular expression of ECMA-262 (with the flag "u")'],
  ['{"pattern":"a{3000}"}', "/pattern: found a pattern that is too large; expected at most 2000 characters and ranges, all repetitions written out, and 50 groups within each other"],
];

test("what is well formed passes", () => {
  for (const schema of WELL_FORMED) assert.deepEqual(refusals(schema), [], schema);
});

test("refusals name place and expectation", () => {
  for (const [schema, expected] of REFUSED) assert.deepEqual(refusals(schema), [expected], schema);
});

test("what cannot be used fits no document", () => {
  for (const [schema] of REFUSED) assert.equal(code(validate(schema, "{}")), "schema_invalid", schema);
});

test("only so many are told", () => {
  const wrong = Array.from({ length: 50 }, (_, index) => [`k${index}`, 1]);
  const told = refusals({ properties: Object.fromEntries(wrong) });
  assert.equal(told.length, 21);
  assert.equal(told[20], "and 30 more like these");
});

// As in RFC 3986, 5.4.
test("references resolve as RFC 3986 says", () => {
  for (const [reference, expected] of [
    ["g:h", "g:h"], ["g", "http://a/b/c/g"], ["./g", "http://a/b/c/g"], ["g/", "http://a/b/c/g/"], ["/g", "http://a/g"],
    ["//g", "http://g"], ["?y", "http://a/b/c/d;p?y"], ["g?y", "http://a/b/c/g?y"], [".", "http://a/b/c/"],
    ["..", "http://a/b/"], ["../g", "http://a/b/g"], ["../../g", "http://a/g"], ["../../../g", "http://a/g"],
    ["g/../h", "http://a/b/c/h"],
  ]) {
    const schema = { $id: "http://a/b/c/d;p?q", $defs: { a: { $id: expected } }, items: { $ref: reference } };
    assert.deepEqual(refusals(schema), [], reference);
  }
}); // prettier-ignore

test("a reference does not lead into what only looks like a schema", () => {
  for (const schema of [
    { $defs: { a: false }, items: { $ref: "#/$defs/a/not" } },
    { enum: [{ type: "x" }], items: { $ref: "#/enum/0" } },
    { $defs: { a: {} }, items: { $ref: "#/$defs" } },
    { items: { $ref: "#/$defs/a%" }, $defs: { "a%": {} } },
  ]) {
    assert.equal(refusals(schema).length, 1, JSON.stringify(schema));
  }
});

test("long chains and many places take no stack", () => {
  const chain = (last) => {
    const links = Array.from({ length: 5_000 }, (_, index) => [`a${index}`, { $ref: `#/$defs/a${index + 1}` }]);
    return { $defs: { ...Object.fromEntries(links), a5000: last } };
  };
  assert.deepEqual(refusals(chain({})), []);
  assert.equal(refusals(chain({ $ref: "#/$defs/a9" })).length, 1);
});

test("wide loops are found", () => {
  const all = [...Array.from({ length: 60_000 }, () => ({})), { $ref: "#" }];
  assert.deepEqual(refusals({ allOf: all }).length, 1);
});

test("all patterns together have a limit", () => {
  const many = Array.from({ length: 400 }, (_, index) => ({ pattern: `a{900}${index}` }));
  assert.match(refusals({ allOf: many })[0], /makes all of the schema's patterns too large/);
});

test("whatever comes is checked without a failure", () => {
  const keywords = ["$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor", "$defs", "allOf", "anyOf", "not", "if", "items",
    "prefixItems", "properties", "patternProperties", "pattern", "type", "enum", "const", "required", "dependentRequired",
    "minLength", "multipleOf", "__proto__", "constructor"]; // prettier-ignore
  const below = random(seed);
  const pick = (list) => list[below(list.length)];
  const letters = [..."-az(){}|+*?.^$:=!<>,09[]#/%"];
  const leaf = () => pick([{}, true, 5, -1.5, null, [], "string", "#", "#/items", "__proto__", undefined])
    ?? Array.from({ length: below(12) }, () => pick(letters)).join(""); // prettier-ignore
  const list = (depth) => Array.from({ length: below(4) }, () => anything(depth - 1));
  const anything = (depth) => {
    if (depth === 0 || below(4) === 0) return leaf();
    if (below(3) === 0) return list(depth);
    return Object.fromEntries(list(depth).map((value) => [pick(keywords), value]));
  };
  for (let round = 0; round < 20_000; round += 1) {
    const schema = JSON.stringify({ not: anything(5) });
    const found = code(check(schema));
    const message = `SCHEMA_SEED=${seed}: ${schema}`;
    assert.ok(found === "valid" || found === "schema_invalid", message);
    const verdict = code(validate(schema, '{"__proto__":{},"constructor":[1,"a"]}'));
    assert.ok(found === "valid" ? ["valid", "schema"].includes(verdict) : verdict === "schema_invalid", `${message} ${verdict}`);
  }
});
