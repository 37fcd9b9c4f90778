// What is said of violations.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ofV, violations } from "./support.mjs";

// Of the value under `v`, by its schema.
const WORDS = [
  [{ type: "number" }, "x", "found a string; expected a number"],
  [{ type: ["null", "object"] }, [], "found an array; expected null or an object"],
  [{ type: "integer" }, 1.5, "found a number with a fraction; expected an integer"],
  [{ maximum: 10.5 }, 11, "found a number; expected a number of at most 10.5"],
  [{ minimum: 3 }, 1, "found a number; expected a number of at least 3"],
  [{ exclusiveMinimum: 3 }, 1, "found a number; expected a number above 3"],
  [{ exclusiveMaximum: 3 }, 4, "found a number; expected a number below 3"],
  [{ multipleOf: 5 }, 4, "found a number; expected a multiple of 5"],
  [{ enum: ["a", 2, null] }, "s3", 'found a string; expected one of "a", 2, null'],
  [{ const: { a: 1 } }, 3, 'found a number; expected {"a":1}'],
  [{ enum: [] }, 3, "found a number; expected no value at all"],
  [{ minLength: 3 }, "x", "found a string; expected at least 3 characters"],
  [{ maxLength: 0 }, "x", "found a string; expected at most 0 characters"],
  [{ pattern: "^a" }, "x", "found a string; expected a text that matches ^a"],
  [{ minItems: 2 }, [1], "found an array of 1 item; expected at least 2 items"],
  [{ maxItems: 1 }, [1, 2], "found an array of 2 items; expected at most 1 items"],
  [{ minProperties: 1 }, {}, "found an object of 0 keys; expected at least 1 keys"],
  [{ uniqueItems: true }, [1, 1], "found an array with equal items; expected items that differ"],
  [{ contains: { type: "string" } }, [1], "found an array; expected an array with a string in it"],
  [{ contains: {}, minContains: 2 }, [1], 'found an array; expected at least 2 times a value that fits "contains" in it'],
  [{ required: ["a", "b"] }, { a: 1 }, 'found an object without "b"; expected the key "b"'],
  [{ dependentRequired: { x: ["y"], a: ["b"] } }, { a: 1 }, 'found an object without "b"; expected the key "b", as there is "a"'],
  [{ anyOf: [{ type: "string" }, { type: "null" }] }, 1, "found a number; expected a string, or null"],
  [{ anyOf: [{ type: "object", required: ["a"] }, { type: "object", required: ["b"] }] }, {}, 'found an object; expected an object that fits one of 2 alternatives under "anyOf"'],
  [{ anyOf: [{ minimum: 3 }, { minimum: 4 }] }, 1, 'found a number; expected a value that fits one of 2 alternatives under "anyOf"'],
  [{ oneOf: [{}, true] }, 1, 'found a number that fits more than one; expected exactly one of the alternatives under "oneOf" to fit'],
  [{ not: { type: "string" } }, "x", "found a string; expected anything but a string"],
  [{ not: { minLength: 1 } }, "x", 'found a string; expected a value that does not fit the schema under "not"'],
  [false, "x", "found a string; expected nothing here"],
  [{ else: false, if: false }, "x", "found a string; expected nothing here"],
];

const reference = {
  $defs: { port: { type: "integer", maximum: 65_535 } },
  properties: { v: { allOf: [{ $ref: "#/$defs/port" }] } },
};
const either = { anyOf: [{ type: "null" }, { type: "object", required: ["x"] }] };

// Each violation is told once.
const TOLD = [
  [ofV({ type: "string" }), '{"v":1}', ["/v: found a number; expected a string"]],
  [reference, '{"v":70000}', ["/v: found a number; expected a number of at most 65535"]],
  [ofV({ type: "object", additionalProperties: false, properties: { port: {} } }), '{"v":{"prt":1}}', ['/v/prt: found a number; expected a known key: did you mean "port"?']],
  [ofV({ required: ["a", "b"], properties: { c: { minimum: 2 } } }), '{"v":{"c":1}}', ['/v: found an object without "a"; expected the key "a"', '/v: found an object without "b"; expected the key "b"', "/v/c: found a number; expected a number of at least 2"]],
  // The one alternative of the value's kind is the one meant.
  [ofV(either), '{"v":{}}', ['/v: found an object without "x"; expected the key "x"']],
  [ofV(either), '{"v":1}', ["/v: found a number; expected null, or an object"]],
  [ofV({ oneOf: [{ type: "null" }, { items: { type: "string" }, type: "array" }] }), '{"v":["a",1,2]}', ["/v/1: found a number; expected a string", "/v/2: found a number; expected a string"]],
  [ofV({ oneOf: [{ type: "number" }, { minimum: 0 }, { type: "string" }] }), '{"v":1}', ['/v: found a number that fits more than one; expected exactly one of the alternatives under "oneOf" to fit']],
  [ofV({ contains: { type: "string" } }), '{"v":[1,2]}', ["/v: found an array; expected an array with a string in it"]],
  [ofV({ contains: { type: "string" }, minContains: 2 }), '{"v":[1,"a"]}', ["/v: found an array; expected at least 2 times a string in it"]],
  [ofV({ contains: { type: "string" }, maxContains: 1 }), '{"v":["b","a"]}', ["/v: found an array; expected at most 1 times a string in it"]],
  [ofV({ if: { required: ["a"] }, then: { required: ["b"] } }), '{"v":{"a":1}}', ['/v: found an object without "b"; expected the key "b"']],
  [ofV({ dependentRequired: { a: ["b"] } }), '{"v":{"a":1}}', ['/v: found an object without "b"; expected the key "b", as there is "a"']],
  [ofV({ dependentSchemas: { a: { maxProperties: 1 } } }), '{"v":{"a":1,"b":2}}', ["/v: found an object of 2 keys; expected at most 1 keys"]],
  [ofV({ propertyNames: { maxLength: 1 } }), '{"v":{"ab":1}}', ["/v/ab: found a key; expected at most 1 characters"]],
  [ofV({ prefixItems: [{}], unevaluatedItems: false }), '{"v":[1,2]}', ["/v/1: found a number; expected no further item"]],
  [ofV({ allOf: [{ properties: { name: {} } }], unevaluatedProperties: false }), '{"v":{"name":1,"b":2}}', ["/v/b: found a number; expected a known key"]],
  [ofV({ not: { const: 1 } }), '{"v":1}', ["/v: found a number; expected anything but 1"]],
  [ofV(false), '{"v":1}', ["/v: found a number; expected nothing here"]],
  [ofV({ patternProperties: { "^x/~": { type: "null" } } }), '{"v":{"x/~ é%#":"s"}}', ["/v/x~1~0 é%#: found a string; expected null"]],
  // Keys that JavaScript's objects have by themselves.
  ['{"required":["__proto__","toString"],"properties":{"__proto__":{"type":"string"},"constructor":{"type":"string"}}}', '{"__proto__":{},"constructor":1}', ['found an object without "toString"; expected the key "toString"', "/__proto__: found an object; expected a string", "/constructor: found a number; expected a string"]],
  ['{"properties":{"v":{"const":{"__proto__":1}}}}', '{"v":{"__proto__":2}}', ['/v: found an object; expected {"__proto__":1}']],
  [ofV({ format: "__defineGetter__", $recursiveRef: "#", __absolute_ref__: "x", id: 7, dependencies: { a: 5 } }), '{"v":"x"}', []],
  // JSON.parse reads numbers as 64-bit floats: these two are one to it.
  [ofV({ maximum: 9_007_199_254_740_992 }), '{"v":9007199254740993}', []],
];

test("each keyword has its words", () => {
  for (const [schema, value, expected] of WORDS) {
    assert.deepEqual(violations(ofV(schema), { v: value }), [`/v: ${expected}`], JSON.stringify(schema));
  }
});

test("each violation is told once", () => {
  for (const [schema, document, expected] of TOLD) {
    assert.deepEqual(violations(schema, document), expected, JSON.stringify(schema));
  }
});

test("keys and items that are not wanted", () => {
  const schema = {
    properties: { port: {}, hosts: { prefixItems: [{}], items: false } },
    additionalProperties: false,
    propertyNames: { allOf: [{ pattern: "^[ph]" }] },
  };
  assert.deepEqual(violations(schema, { prot: 1, zzz: 2, hosts: [1, 2] }), [
    "/zzz: found a key; expected a text that matches ^[ph]",
    "/hosts/1: found a number; expected no further item",
    '/prot: found a number; expected a known key: did you mean "port"?',
    "/zzz: found a number; expected a known key",
  ]);
  assert.deepEqual(violations({ propertyNames: false }, { a: 1 }), ["/a: found a key; expected no key at all"]);
});

test("names that are near", () => {
  const schema = { properties: { source: {}, refresh_interval: {}, ttl: {}, source_timeout: {} }, additionalProperties: false };
  for (const [name, expected] of [
    ["tll", "ttl"], ["TTL", "ttl"], ["refreshInterval", "refresh_interval"], ["refrsh_intrval", "refresh_interval"],
    ["refrsh_intrvl", undefined], ["soucre", "source"], ["interval", "refresh_interval"], ["sources_timeouts_", "source_timeout"],
    ["zzz", undefined], ["x", undefined], ["", undefined], ["__", undefined],
  ]) {
    const hint = expected ? `: did you mean "${expected}"?` : "";
    const pointer = name.replaceAll("~", "~0");
    assert.deepEqual(violations(schema, { [name]: 1 }), [`/${pointer}: found a number; expected a known key${hint}`]);
  }
}); // prettier-ignore

test("locations lead through references and odd keys", () => {
  const schema = `{
    "$defs": { "a/b~": { "allOf": [{ "maximum": 5 }] }, "$ref": { "type": "null" } },
    "properties": {
      "$ref": { "$ref": "#/$defs/$ref" },
      "__proto__": { "patternProperties": { "^/": { "$ref": "#/$defs/a~1b~0" } } }
    }
  }`;
  assert.deepEqual(violations(schema, '{ "$ref": 1, "__proto__": { "/x": 9 } }'), [
    "/$ref: found a number; expected null",
    "/__proto__/~1x: found a number; expected a number of at most 5",
  ]);
});

test("many violations are counted", () => {
  const members = Array.from({ length: 50 }, (_, index) => [`k${index}`, index]);
  const told = violations({ additionalProperties: { type: "string" } }, Object.fromEntries(members));
  assert.equal(told.length, 21);
  assert.equal(told[20], "and 30 more like these");
});

test("long pointers are cut", () => {
  const [told] = violations({ additionalProperties: false }, { ["k".repeat(1_000_000)]: 1 });
  assert.ok(told.startsWith("/kkk") && told.length < 400, String(told.length));
});

test("long texts of the schema are cut", () => {
  const long = "é😀".repeat(100);
  assert.deepEqual(violations(ofV({ pattern: long }), { v: "" }), [
    `/v: found a string; expected a text that matches ${"é😀".repeat(31)}é…`,
  ]);
});
