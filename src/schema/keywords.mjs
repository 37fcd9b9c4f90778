// The keywords of JSON Schema 2020-12 that are known here, and what each one's value must be like.

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isNames = (value) =>
  Array.isArray(value) && value.every((name) => typeof name === "string") && new Set(value).size === value.length;
const isText = (value) => typeof value === "string";

// What a value must be: whether it is, and in words.
const shape = (fits, expected) => ({ fits, expected });

export const SCHEMA = shape((value) => typeof value === "boolean" || isObject(value), "a schema: an object, true or false");
export const SCHEMAS = shape((value) => Array.isArray(value) && value.length > 0, "an array of schemas, with at least one");
export const SCHEMA_MAP = shape(isObject, "an object of schemas");
// The same, with patterns as keys.
export const PATTERN_MAP = shape(isObject, SCHEMA_MAP.expected);
export const TYPE_NAMES = shape(
  (value) => isText(value) || (isNames(value) && value.length > 0),
  "a type name or an array of different ones",
);
export const PATTERN = shape(isText, "a regular expression, in a string");
export const ANCHOR = shape(
  (value) => isText(value) && /^[a-z_][\w.-]*$/i.test(value),
  'a name: a letter or "_", then letters, digits, "-", "_" and "."',
);
export const REFERENCE = shape(isText, "a reference, in a string");
export const ANYTHING = shape(() => true, "");

const DIALECT = "https://json-schema.org/draft/2020-12/schema";
const TEXT = shape(isText, "a string");
const FLAG = shape((value) => typeof value === "boolean", "true or false");
const NUMBER = shape((value) => typeof value === "number", "a number");

// Keywords by what their values must be.
const TABLE = [
  [SCHEMA, "not if then else items contains additionalProperties propertyNames unevaluatedItems unevaluatedProperties contentSchema"],
  [SCHEMAS, "allOf anyOf oneOf prefixItems"],
  // "definitions" is of older drafts, and kept by 2020-12 for them.
  [SCHEMA_MAP, "$defs definitions dependentSchemas properties"],
  [PATTERN_MAP, "patternProperties"],
  [TYPE_NAMES, "type"],
  [PATTERN, "pattern"],
  [ANCHOR, "$anchor $dynamicAnchor"],
  [REFERENCE, "$ref $dynamicRef"],
  [ANYTHING, "const"],
  [TEXT, "$comment title description format contentEncoding contentMediaType"],
  [FLAG, "uniqueItems deprecated readOnly writeOnly"],
  [NUMBER, "maximum exclusiveMaximum minimum exclusiveMinimum"],
  [shape((value) => NUMBER.fits(value) && value > 0, "a number above 0"), "multipleOf"],
  [
    shape((value) => Number.isInteger(value) && value >= 0, "a whole number, 0 or above"),
    "maxLength minLength maxItems minItems maxContains minContains maxProperties minProperties",
  ],
  [shape(Array.isArray, "an array"), "enum examples"],
  [shape(isNames, "an array of different strings"), "required"],
  [
    shape((value) => isObject(value) && Object.values(value).every(isNames), "an object with an array of different strings for each key"),
    "dependentRequired",
  ],
  [shape((value) => value === DIALECT, `"${DIALECT}", or no "$schema" at all`), "$schema"],
  [shape((value) => isText(value) && /^[^#]*#?$/.test(value) && URL.canParse(value, "x:/"), "a URI or path without a fragment"), "$id"],
];

// Shapes by keyword.
export const KEYWORDS = new Map(TABLE.flatMap(([of, names]) => names.split(" ").map((name) => [name, of])));

// Those whose subschemas apply to the same value as the schema that holds them.
export const IN_PLACE = new Set(["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"]);

// Those that say nothing about a value. They are checked, and left out.
export const ANNOTATIONS = new Set(
  ("$schema $id $anchor $dynamicAnchor $comment format contentEncoding contentMediaType " +
    "title description deprecated readOnly examples").split(" "),
);

// Type names with what they are called in sentences.
export const TYPES = new Map([
  ["null", "null"],
  ["boolean", "a boolean"],
  ["object", "an object"],
  ["array", "an array"],
  ["number", "a number"],
  ["integer", "an integer"],
  ["string", "a string"],
]);

// What a value is, with its article.
export function kindOf(value) {
  if (value === null) return "null";
  return TYPES.get(Array.isArray(value) ? "array" : typeof value);
}
