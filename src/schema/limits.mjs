// What bounds a validation, in the place of the npm package's own helpers: it trusts its schemas, and nothing in it
// counts. scripts/adapt-validator.mjs puts these in.

// Steps that one validation may take. A look at a key or an item is one.
const MAX_STEPS = 20_000_000;
// What an evaluation of a subschema counts for: it takes so much longer, and may leave a violation in memory.
const EVALUATION = 30;
// What matching may cost in one validation, in a pattern's size times the text's length.
const MAX_MATCHING = 50_000_000;
// What a key counts for that the package puts into a list: the schema's at each evaluation, and the value's.
const SCHEMA_KEY = 8;
const KEY = 4;
// So many characters compared, or pairs of plain items, count as a step; and so many characters counted.
const COMPARED = 16;
const COUNTED = 4;

// The quick look takes a step or two where the package's costs thirty.
const QUICK_PART = 20;

// Thrown when nothing is left.
export const SPENT = Symbol("a limit was reached");

const left = { steps: 0, matching: 0 };
let patterns = new Map();

// Begins a validation with a schema that has these patterns. A `quick` one gets a small part of it all.
export function begin(compiledPatterns, quick = false) {
  const part = quick ? QUICK_PART : 1;
  left.steps = MAX_STEPS / part;
  left.matching = MAX_MATCHING / part;
  patterns = compiledPatterns;
}

export function spend(steps) {
  left.steps -= steps;
  if (left.steps < 0) throw SPENT;
}

const WEIGHT = Symbol("what an evaluation costs");

// Weighs a schema's own lists, which the package goes through at each evaluation.
export function weigh(schema) {
  const { enum: values = [], required = [], dependentRequired = {}, properties = {}, dependentSchemas = {} } = schema;
  const names = required.length + Object.values(dependentRequired).flat().length;
  const keys = [dependentRequired, properties, dependentSchemas].flatMap(Object.keys).length;
  const compared = values.length && values.length + JSON.stringify(values).length / COMPARED;
  schema[WEIGHT] = EVALUATION * (1 + names) + SCHEMA_KEY * keys + compared;
}

// The package comes here with each evaluation.
export function enter(schema, instance) {
  spend(schema[WEIGHT]);
  if (Array.isArray(instance)) {
    // For these it runs over all indices, or over all pairs, without an evaluation.
    spend(instance.length / 4 + (schema.uniqueItems ? instance.length ** 2 / COMPARED : 0));
  } else if (typeof instance === "object" && instance !== null) {
    spend(KEY * Object.keys(instance).length);
  }
}

export class RegExp {
  constructor(pattern) {
    spend(1);
    this.pattern = patterns.get(pattern);
  }

  test(text) {
    return matches(this.pattern, text);
  }
}

// Whether a compiled pattern matches.
export function matches(pattern, text) {
  spend(1);
  left.matching -= pattern.size * (text.length + 1);
  if (left.matching < 0) throw SPENT;
  return pattern.test(text);
}

// A key as part of a pointer.
export function encodePointer(key) {
  spend(key.length);
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

// A text's length in characters.
export function ucs2length(text) {
  spend(text.length / COUNTED);
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

// Whether two values are equal as JSON.
export function deepCompareStrict(a, b) {
  spend(1);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  spend(keys.length);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && deepCompareStrict(a[key], b[key]));
}
