// Checks a schema and lowers it to what the package gets: known keywords only, `$ref` as a number in `lookup`, no `$id`
// and anchors, no boolean schemas, `const` as an `enum` of one. Lowered objects have no prototype, so a key like
// "__proto__" is one like others.
import { ANCHOR, ANNOTATIONS, ANYTHING, IN_PLACE, KEYWORDS, kindOf, PATTERN, PATTERN_MAP, REFERENCE, SCHEMA, SCHEMA_MAP, SCHEMAS, TYPE_NAMES, TYPES } from "./keywords.mjs"; // prettier-ignore
import { weigh } from "./limits.mjs";
import { nearest } from "./nearest.mjs";
import { compile as compilePattern, Refusal } from "./pattern.mjs";
import { References } from "./references.mjs";

// The size of all patterns of a schema at most: each character is kept as an object.
const MAX_PATTERNS_SIZE = 200_000;

// What is made of a schema: the lowered one, where its references lead (`lookup`), and its patterns; or why it cannot
// be used (`reasons`).
export function compile(schema) {
  const pass = new Pass();
  const root = pass.object(schema, "", null, null);
  const lookup = pass.references.resolve();
  return { root, lookup, patterns: pass.patterns, reasons: pass.reasons };
}

export const push = (pointer, token) => `${pointer}/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`;

class Pass {
  reasons = [];
  patterns = new Map();
  patternsSize = 0;
  references = new References((...refusal) => this.refuse(...refusal));

  refuse(pointer, found, expected) {
    this.reasons.push([pointer, "schema_invalid", "", expected, found]);
  }

  // `outer` is the place of the schema that it applies to the same value with.
  schema(schema, pointer, outer, resource) {
    if (!SCHEMA.fits(schema)) {
      this.refuse(pointer, kindOf(schema), SCHEMA.expected);
      return null;
    }
    if (typeof schema === "object") return this.object(schema, pointer, outer, resource);
    const node = { __proto__: null };
    if (!schema) weigh((node.not = { __proto__: null }));
    this.references.enter(pointer, node, outer);
    weigh(node);
    return node;
  }

  object(schema, pointer, outer, outerResource) {
    const node = { __proto__: null };
    const place = this.references.enter(pointer, node, outer);
    const resource = this.references.resource(Object.hasOwn(schema, "$id") ? schema.$id : undefined, place, outerResource);
    const besides = [];
    const put = (keyword, value) => {
      // Where another keyword has the name already: `const` beside `enum`, `$dynamicRef` beside `$ref`.
      if (keyword in node) besides.push({ __proto__: null, [keyword]: value });
      else node[keyword] = value;
    };
    for (const [name, value] of Object.entries(schema)) {
      const shape = KEYWORDS.get(name);
      const at = push(pointer, name);
      if (!shape) continue;
      if (!shape.fits(value)) this.refuse(at, kindOf(value), shape.expected);
      else this.keyword(name, shape, value, { at, place, resource, put });
    }
    if (besides.length > 0) node.allOf = [...(node.allOf ?? []), ...besides];
    besides.forEach(weigh);
    weigh(node);
    return node;
  }

  keyword(name, shape, value, { at, place, resource, put }) {
    const outer = IN_PLACE.has(name) ? place : null;
    const below = (key, schema) => this.schema(schema, push(at, key), outer, resource);
    switch (shape) {
      case SCHEMA:
        return put(name, this.schema(value, at, outer, resource));
      case SCHEMAS:
        return put(name, value.map((schema, index) => below(String(index), schema)));
      case SCHEMA_MAP:
      case PATTERN_MAP: {
        const lowered = { __proto__: null };
        for (const [key, schema] of Object.entries(value)) {
          if (shape === PATTERN_MAP) this.pattern(key, at);
          lowered[key] = below(key, schema);
        }
        return put(name, lowered);
      }
      case REFERENCE:
        return put("$ref", this.references.refer(value, at, place, resource, name === "$dynamicRef"));
      case ANYTHING:
        return put("enum", [value]);
      case ANCHOR:
        return this.references.anchor(value, at, place, resource, name === "$dynamicAnchor");
      case TYPE_NAMES:
        this.types([value].flat(), at);
        break;
      case PATTERN:
        this.pattern(value, at);
    }
    if (!ANNOTATIONS.has(name)) put(name, value);
  }

  pattern(written, at) {
    if (this.patterns.has(written)) return;
    try {
      const pattern = compilePattern(written);
      this.patterns.set(written, pattern);
      this.patternsSize += pattern.size;
      if (this.patternsSize > MAX_PATTERNS_SIZE) {
        throw new Refusal("makes all of the schema's patterns too large", `at most ${MAX_PATTERNS_SIZE} characters and ranges in all`);
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refuse(at, error.found, error.expected);
    }
  }

  types(names, at) {
    const known = [...TYPES.keys()];
    for (const name of names.filter((name) => !TYPES.has(name))) {
      const near = nearest(name, known);
      const all = known.map((name) => `"${name}"`).join(", ");
      this.refuse(at, "an unknown type name", near ? `a type: did you mean "${near}"?` : `one of ${all}`);
    }
  }
}
