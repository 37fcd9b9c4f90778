// Whether a document surely keeps a schema, told many times faster than the npm package tells it: that one keeps a list
// for every value, and most documents have nothing to list. `false` means that it does not, or that this cannot tell.
import { matches, SPENT, spend, ucs2length } from "./limits.mjs";

// A function for what `compile` made of a schema.
export function quick({ root, lookup, patterns }) {
  const made = new Map();
  // Not made before it is used: a reference may lead back to a schema that it is a part of.
  const refer = (schema) => (value) => (made.get(schema) ?? of(schema))(value);
  const of = (schema) => {
    const parts = Object.keys(schema)
      .filter((keyword) => !SILENT.has(keyword))
      .map((keyword) => (Object.hasOwn(PARTS, keyword) ? PARTS[keyword](schema, { of, to: (number) => refer(lookup[number]), patterns }) : unknown));
    const keeps = (value) => {
      spend(1);
      for (const part of parts) if (!part(value)) return false;
      return true;
    };
    made.set(schema, keeps);
    return keeps;
  };
  const keeps = of(root);
  return (document) => {
    try {
      return keeps(document);
    } catch (error) {
      if (error === SPENT) return false;
      throw error;
    }
  };
}

const unknown = () => false;
const anything = () => true;
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const number = (fits) => (value) => typeof value !== "number" || fits(value);
const text = (fits) => (value) => typeof value !== "string" || fits(value);
const list = (fits) => (value) => !Array.isArray(value) || fits(value);
const object = (fits) => (value) => !isObject(value) || fits(value);

// Say nothing by themselves.
const SILENT = new Set(["$defs", "definitions", "writeOnly"]);

const TYPES = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  object: isObject,
  array: Array.isArray,
  number: (value) => typeof value === "number",
  integer: (value) => typeof value === "number" && value % 1 === 0,
  string: (value) => typeof value === "string",
};

// What is made of each keyword. One that is missing here is left to the package.
const PARTS = {
  type({ type }) {
    if (!Array.isArray(type)) return TYPES[type];
    return (value) => type.some((name) => TYPES[name](value));
  },
  // Values with members are left to the package, which compares them.
  enum: ({ enum: values }) => (value) => {
    spend(values.length / 4);
    return values.includes(value);
  },
  minimum: ({ minimum }) => number((value) => value >= minimum),
  maximum: ({ maximum }) => number((value) => value <= maximum),
  exclusiveMinimum: ({ exclusiveMinimum }) => number((value) => value > exclusiveMinimum),
  exclusiveMaximum: ({ exclusiveMaximum }) => number((value) => value < exclusiveMaximum),
  minLength: ({ minLength }) => text((value) => ucs2length(value) >= minLength),
  maxLength: ({ maxLength }) => text((value) => ucs2length(value) <= maxLength),
  pattern({ pattern }, { patterns }) {
    const compiled = patterns.get(pattern);
    return text((value) => matches(compiled, value));
  },
  minItems: ({ minItems }) => list((value) => value.length >= minItems),
  maxItems: ({ maxItems }) => list((value) => value.length <= maxItems),
  items({ items, prefixItems = [] }, { of }) {
    const keeps = of(items);
    return list((value) => {
      for (let at = prefixItems.length; at < value.length; at += 1) if (!keeps(value[at])) return false;
      return true;
    });
  },
  prefixItems({ prefixItems }, { of }) {
    const all = prefixItems.map(of);
    return list((value) => all.every((keeps, at) => at >= value.length || keeps(value[at])));
  },
  minProperties: ({ minProperties }) => object((value) => countOf(value) >= minProperties),
  maxProperties: ({ maxProperties }) => object((value) => countOf(value) <= maxProperties),
  required: ({ required }) =>
    object((value) => {
      spend(required.length);
      return required.every((key) => Object.hasOwn(value, key));
    }),
  // The last of these that a schema has speaks for all of them.
  properties: (schema, made) => ("patternProperties" in schema || "additionalProperties" in schema ? anything : members(schema, made)),
  patternProperties: (schema, made) => ("additionalProperties" in schema ? anything : members(schema, made)),
  additionalProperties: members,
  allOf({ allOf }, { of }) {
    const all = allOf.map(of);
    return (value) => all.every((keeps) => keeps(value));
  },
  anyOf({ anyOf }, { of }) {
    const any = anyOf.map(of);
    return (value) => any.some((keeps) => keeps(value));
  },
  $ref: ({ $ref }, { to }) => to($ref),
};

function countOf(object) {
  const { length } = Object.keys(object);
  spend(length);
  return length;
}

// All that is said of members, at once.
function members({ properties = {}, patternProperties = {}, additionalProperties }, { of, patterns }) {
  const named = new Map(Object.entries(properties).map(([key, schema]) => [key, of(schema)]));
  const matched = Object.entries(patternProperties).map(([key, schema]) => [patterns.get(key), of(schema)]);
  const others = additionalProperties ? of(additionalProperties) : anything;
  return object((value) => {
    // Parsed JSON, so there is nothing but its own members.
    for (const key in value) {
      spend(1);
      const keeps = named.get(key);
      if (keeps && !keeps(value[key])) return false;
      let isOther = !keeps;
      for (const [pattern, keeps] of matched) {
        if (!matches(pattern, key)) continue;
        isOther = false;
        if (!keeps(value[key])) return false;
      }
      if (isOther && !others(value[key])) return false;
    }
    return true;
  });
}
