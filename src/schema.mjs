// Validates one document with @cfworker/json-schema, within limits. What comes in was checked and lowered by the core
// (crates/core/src/schema/): only keywords that the package knows, every `$ref` an index into `targets`, no boolean
// schemas, no formats.
//
// The package trusts its schemas: nothing bounds its steps, and V8's regular expressions backtrack. So it is given
// - schema nodes whose prototype counts each evaluation,
// - a document behind proxies, which count what the package does for each key and item,
// - a RegExp that asks the core's engine, which takes linear time.
// Validation is synchronous: nothing else runs while the global RegExp is another one.
import { validate } from "@cfworker/json-schema";

// Steps that one validation may take. A look at a key or an item is one.
const MAX_STEPS = 20_000_000;
// What an evaluation of a subschema counts for: it takes so much longer, and may leave a violation in memory.
const EVALUATION = 30;
// What naming a key counts for: a proxy's answers are checked by the engine.
const NAME = 4;
// So many bytes hashed, compared or escaped count as a step.
const BYTES_A_STEP = 16;
// Violations told; of more the number is. Equal to the core's.
const MAX_VIOLATIONS = 20;
// The core's engine must not meet the end of the stack: an error that unwinds through wasm leaves its memory
// unbalanced. So many frames must still fit in JavaScript.
const SPARE_FRAMES = 400;

const SPENT = Symbol("a limit was reached");
const WEIGHT = Symbol("what an evaluation costs");
const READS_TEXT = Symbol("whether an evaluation reads the whole of a string");

// What is left of this validation's steps, and the length of the string that is looked at.
const meter = { steps: 0, text: 0, matches: null };

// The one schema that was compiled last: an object has one.
let compiled = { key: null };

// The violations of `document` as JSON: `[instance pointer, keyword, schema location]` each, and a number at the end
// when there are more; or one string that names the limit that was reached. `matches(pattern, text)` gives 0 or 1, or
// 2 when it gave up.
export function violations(key, schema, document, matches) {
  const native = globalThis.RegExp;
  Object.assign(meter, { steps: MAX_STEPS, text: 0, matches });
  try {
    const { root, lookup } = compile(key, schema);
    const instance = counted(JSON.parse(document));
    globalThis.RegExp = LinearRegExp;
    const { errors } = validate(instance, root, "2020-12", lookup, false);
    return JSON.stringify(told(leaves(errors)));
  } catch (error) {
    if (error === SPENT) return '"steps"';
    return error instanceof RangeError ? '"stack"' : '"failed"';
  } finally {
    globalThis.RegExp = native;
    meter.matches = null;
  }
}

function spend(steps) {
  meter.steps -= steps;
  if (meter.steps < 0) throw SPENT;
}

function compile(key, text) {
  if (compiled.key !== key) {
    const { schema, targets } = JSON.parse(text);
    prepare(schema);
    const lookup = Object.create(null);
    targets.forEach((pointer, index) => (lookup[index] = target(schema, pointer)));
    compiled = { key, root: schema, lookup };
  }
  return compiled;
}

function target(root, pointer) {
  const tokens = pointer.split("/").slice(1);
  return tokens.reduce((node, token) => node[token.replaceAll("~1", "/").replaceAll("~0", "~")], root);
}

// A keyword of an older draft, which the package reads at every evaluation and the core leaves nowhere.
const NODE = Object.create(null, {
  $recursiveAnchor: {
    get() {
      spend(this[WEIGHT] + (this[READS_TEXT] ? meter.text / BYTES_A_STEP : 0));
    },
  },
});

// Maps of subschemas become nodes, too; nobody evaluates them.
function prepare(node) {
  if (Array.isArray(node)) return node.forEach(prepare);
  if (typeof node !== "object" || node === null) return;
  for (const [keyword, value] of Object.entries(node)) {
    if (!(keyword === "enum" && Array.isArray(value))) prepare(value);
  }
  Object.setPrototypeOf(node, NODE);
  const list = (value) => (Array.isArray(value) ? value : []);
  const names = list(node.required).length + Object.values(node.dependentRequired ?? {}).flat().length;
  // The package compares with each. It also writes all of them into each message, which nobody reads.
  const compared = list(node.enum).length > 0 ? list(node.enum).length + JSON.stringify(node.enum).length / BYTES_A_STEP : 0;
  if (compared > 0) Object.defineProperty(node.enum, "toJSON", { value: () => "" });
  node[WEIGHT] = EVALUATION * (1 + names) + compared;
  node[READS_TEXT] = compared > 0 || node.minLength !== undefined || node.maxLength !== undefined;
}

const LOOKS = {
  get(target, key) {
    const value = target[key];
    meter.text = typeof value === "string" ? value.length : 0;
    // For some keywords the package runs over all indices without a look at the items.
    spend(1 + (key === "length" ? target.length / 4 : meter.text / (4 * BYTES_A_STEP)));
    return value;
  },
  ownKeys(target) {
    const keys = Reflect.ownKeys(target);
    spend(NAME * keys.length);
    return keys;
  },
  getOwnPropertyDescriptor(target, key) {
    // A name may be the next that is validated, and is escaped for its pointer.
    meter.text = key.length;
    spend(2 * NAME + key.length / BYTES_A_STEP);
    return Reflect.getOwnPropertyDescriptor(target, key);
  },
};

// Keys like "__proto__" are plain: JSON.parse makes own properties of them, and defineProperty keeps them so.
function counted(value) {
  if (typeof value !== "object" || value === null) return value;
  for (const key of Object.keys(value)) {
    const inner = value[key];
    if (typeof inner === "object" && inner !== null) {
      Object.defineProperty(value, key, { value: counted(inner), writable: true, enumerable: true, configurable: true });
    }
  }
  return new Proxy(value, LOOKS);
}

class LinearRegExp {
  constructor(pattern) {
    spend(1 + pattern.length / BYTES_A_STEP);
    this.pattern = pattern;
  }

  test(text) {
    spend(1 + (this.pattern.length + text.length) / BYTES_A_STEP);
    spare(SPARE_FRAMES);
    const outcome = meter.matches(this.pattern, text);
    if (outcome > 1) throw SPENT;
    return outcome === 1;
  }
}

function spare(frames) {
  return frames === 0 ? 0 : 1 + spare(frames - 1);
}

// Say only that a subschema did not fit; what it found follows them.
const WRAPPERS = new Set([
  "$ref", "allOf", "if", "dependentSchemas", "properties", "patternProperties", "additionalProperties", "propertyNames",
  "prefixItems", "items", "unevaluatedItems", "unevaluatedProperties",
]); // prettier-ignore
// Speak for all subschemas below them.
const CHOICES = new Set(["anyOf", "oneOf", "contains"]);

function leaves(errors) {
  const kept = [];
  for (let at = 0; at < errors.length; at += 1) {
    const error = errors[at];
    const { keyword, keywordLocation } = error;
    if (CHOICES.has(keyword)) {
      const below = `${keywordLocation}/`;
      const start = at + 1;
      while (at + 1 < errors.length && isBelow(errors[at + 1], below, keyword)) at += 1;
      const meant = keyword === "contains" ? null : theOneMeant(error, errors.slice(start, at + 1));
      for (const found of meant ?? [error]) kept.push(found);
    } else if (keyword === "minContains") {
      // Here the package tells first what is wrong with the items.
      const items = keywordLocation.slice(0, -keyword.length) + "contains";
      while (kept.length > 0 && isBelow(kept[kept.length - 1], `${items}/`, keyword)) kept.pop();
      kept.push(error);
    } else if (!WRAPPERS.has(keyword)) {
      kept.push(error);
    }
  }
  return kept;
}

function isBelow(error, location) {
  return error.keywordLocation.startsWith(location);
}

// What the only branch finds that is of the value's kind, so that `null or this object` tells what is wrong in the
// object. Null when there is not just one.
function theOneMeant(choice, errors) {
  // With several matches of a oneOf, what the others find does not matter.
  if (fitsSeveral(choice)) return null;
  const branches = new Map();
  for (const error of errors) {
    const branch = error.keywordLocation.slice(choice.keywordLocation.length + 1).split("/", 1)[0];
    if (!branches.has(branch)) branches.set(branch, []);
    branches.get(branch).push(error);
  }
  const isOtherKind = (error) =>
    error.instanceLocation === choice.instanceLocation && (error.keyword === "type" || error.keyword === "enum");
  const meant = [...branches.values()].filter((found) => !found.some(isOtherKind));
  return meant.length === 1 ? leaves(meant[0]) : null;
}

// Only the package's message tells.
function fitsSeveral({ keyword, error }) {
  return keyword === "oneOf" && !error.includes("(0 matches)");
}

function told(errors) {
  const list = errors.slice(0, MAX_VIOLATIONS).map((error) => [
    decodeURIComponent(error.instanceLocation.slice(1)),
    fitsSeveral(error) ? "several" : error.keyword,
    decodeURIComponent(error.keywordLocation.slice(1)),
  ]);
  return errors.length > MAX_VIOLATIONS ? [...list, errors.length - MAX_VIOLATIONS] : list;
}
