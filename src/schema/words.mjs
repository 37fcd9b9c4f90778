// What each keyword expects, and what was there instead, in words. `expected` quotes the schema, `found` tells kinds: no
// value of a document, and nothing of the schema where it concerns a secret.
import { KEYWORDS, kindOf, SCHEMA, TYPES } from "./keywords.mjs";
import { nearest } from "./nearest.mjs";
import { isSecret } from "./secrecy.mjs";

// The longest quotation of one value of the schema, in characters.
const QUOTED_CHARS = 64;
// How many values of an `enum` are quoted.
const QUOTED_VALUES = 8;
// How many references a description follows.
const MAX_HOPS = 8;

// `[expected, found]` for a violation: the value's pointer, the keyword (`several` for a `oneOf` that more than one
// alternative fits), the way to it through the schema, and how many equal violations came before.
export function expectedAndFound(compiled, document, { instance, keyword, location, nth }) {
  const tokens = parts(instance);
  const path = follow(compiled, parts(location));
  const value = path.isKey ? tokens.at(-1) : tokens.reduce((value, token) => value[token], document);
  const found = path.isKey ? "a key" : kindOf(value);
  const breach = { ...path, compiled, tokens, value, found, nth, secret: isSecret(compiled, tokens) };
  const say = Object.hasOwn(WORDS, keyword) ? WORDS[keyword] : () => "what the schema says";
  const words = say(breach);
  return Array.isArray(words) ? words : [words, found];
}

// `text` in at most `max` characters, the last one `…` where some were cut.
export function clip(text, max) {
  const chars = [...text.slice(0, 2 * max + 1)];
  return chars.length > max ? `${chars.slice(0, max - 1).join("")}…` : text;
}

// The tokens of a pointer.
function parts(pointer) {
  return pointer.split("/").slice(1).map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~")); // prettier-ignore
}

// The schema that has the keyword at the end of these tokens, and the schema (`holder`) whose keyword (`through`) led
// to it; and whether it is about a key (`isKey`), which stands where its value does.
function follow({ root, lookup }, tokens) {
  const path = { schema: root, holder: {}, through: "", isKey: false };
  for (let at = 0; at < tokens.length - 1; at += 1) {
    const keyword = tokens[at];
    if (keyword === "$ref") {
      path.schema = lookup[path.schema.$ref];
      continue;
    }
    path.holder = path.schema;
    path.through = keyword;
    path.isKey ||= keyword === "propertyNames";
    path.schema = path.schema[keyword];
    if (KEYWORDS.get(keyword) !== SCHEMA) path.schema = path.schema[tokens[(at += 1)]];
  }
  return path;
}

const quoted = (text) => JSON.stringify(clip(text, QUOTED_CHARS));

const plain = (before, keyword, after = "") => (breach) => `${before} ${quote(breach, keyword)}${after}`;

const counted = (unit, before, keyword) => (breach) => {
  const { value, found } = breach;
  const count = (Array.isArray(value) ? value : Object.keys(value)).length;
  return [`${before} ${quote(breach, keyword)} ${unit}s`, `${found} of ${count} ${count === 1 ? unit : `${unit}s`}`];
};

// What is said of each keyword: what was expected, or that and what was found.
const WORDS = {
  type: ({ schema, found }) => {
    const expected = types(schema.type);
    // A number where no number would do is one with a fraction.
    return [expected, found === "a number" && expected.includes("an integer") ? "a number with a fraction" : found];
  },
  enum: ({ schema, secret }) => {
    if (!secret) return listed(schema.enum);
    return schema.enum.length === 1 ? "the one listed value" : "one of the listed values";
  },
  minimum: plain("a number of at least", "minimum"),
  maximum: plain("a number of at most", "maximum"),
  exclusiveMinimum: plain("a number above", "exclusiveMinimum"),
  exclusiveMaximum: plain("a number below", "exclusiveMaximum"),
  multipleOf: plain("a multiple of", "multipleOf"),
  minLength: plain("at least", "minLength", " characters"),
  maxLength: plain("at most", "maxLength", " characters"),
  pattern: plain("a text that matches", "pattern"),
  minItems: counted("item", "at least", "minItems"),
  maxItems: counted("item", "at most", "maxItems"),
  minProperties: counted("key", "at least", "minProperties"),
  maxProperties: counted("key", "at most", "maxProperties"),
  uniqueItems: () => ["items that differ", "an array with equal items"],
  contains: (breach) => `an array with ${contained(breach)} in it`,
  minContains: (breach) => `at least ${quote(breach, "minContains")} times ${contained(breach)} in it`,
  maxContains: (breach) => `at most ${quote(breach, "maxContains")} times ${contained(breach)} in it`,
  required: (breach) => missing(breach, breach.schema.required.map((key) => [key, ""])), // prettier-ignore
  dependentRequired: (breach) => {
    const causes = Object.entries(breach.schema.dependentRequired).filter(([cause]) => Object.hasOwn(breach.value, cause));
    return missing(breach, causes.flatMap(([cause, keys]) => keys.map((key) => [key, `, as there is ${quoted(cause)}`]))); // prettier-ignore
  },
  anyOf: (breach) => alternatives(breach, "anyOf"),
  oneOf: (breach) => alternatives(breach, "oneOf"),
  several: ({ found }) => ['exactly one of the alternatives under "oneOf" to fit', `${found} that fits more than one`],
  not: unwanted,
};

function quote({ schema, secret }, keyword) {
  if (secret) return `what "${keyword}" says`;
  const value = schema[keyword];
  return clip(typeof value === "string" ? value : JSON.stringify(value), QUOTED_CHARS);
}

const contained = (breach) => described(breach, breach.schema.contains) ?? 'a value that fits "contains"';

function alternatives(breach, keyword) {
  const list = breach.schema[keyword];
  const oneOf = `that fits one of ${list.length} alternatives under "${keyword}"`;
  const all = list.length > QUOTED_VALUES ? [] : list.map((schema) => described(breach, schema));
  if (all.length === 0 || all.includes(undefined)) return `a value ${oneOf}`;
  const different = [...new Set(all)];
  return different.length === 1 && list.length > 1 ? `${different[0]} ${oneOf}` : different.join(", or ");
}

// What a schema wants, when that is a kind or a list.
function described({ compiled, secret }, schema) {
  for (let hops = 0; hops < MAX_HOPS && schema; hops += 1) {
    if (schema.enum) return secret ? "one of the listed values" : listed(schema.enum);
    if (schema.type) return types(schema.type);
    schema = compiled.lookup[schema.$ref];
  }
  return undefined;
}

// `keys` with the reason why each is wanted; several that are not there are told one by one.
function missing({ value, found, nth }, keys) {
  const [key, because] = keys.filter(([key]) => !Object.hasOwn(value, key))[nth];
  return [`the key ${quoted(key)}${because}`, `${found} without ${quoted(key)}`];
}

// What a `not` or the schema `false` does not want.
function unwanted(breach) {
  const { schema, holder, through, tokens } = breach;
  if (Object.keys(schema.not).length > 0) {
    const what = described(breach, schema.not);
    return what ? `anything but ${what}` : 'a value that does not fit the schema under "not"';
  }
  switch (through) {
    case "additionalProperties":
    case "unevaluatedProperties": {
      const near = nearest(tokens.at(-1), Object.keys(holder.properties ?? {}));
      return near ? `a known key: did you mean ${quoted(near)}?` : "a known key";
    }
    case "propertyNames":
      return "no key at all";
    case "items":
    case "prefixItems":
    case "unevaluatedItems":
      return "no further item";
    default:
      return "nothing here";
  }
}

// `a string`, `an object or null`.
const types = (names) => [names].flat().map((name) => TYPES.get(name)).join(" or "); // prettier-ignore

// `"a"`, `one of "a", 2, …`.
function listed(values) {
  if (values.length === 0) return "no value at all";
  const shown = values.slice(0, QUOTED_VALUES).map((value) => clip(JSON.stringify(value), QUOTED_CHARS)).join(", "); // prettier-ignore
  return `${values.length > 1 ? "one of " : ""}${shown}${values.length > QUOTED_VALUES ? ", …" : ""}`;
}
