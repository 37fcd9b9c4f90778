// JSON Schema 2020-12 for the Worker: what a schema may be, whether a document keeps it, and what its violations are
// called. Both answers are JSON: a list of reasons, `[pointer, code, message, expected, found]` each, the last two only
// where there is no message. An empty list is a yes. What cannot be answered is a no, with the code `schema_limit`.
import { validate as run } from "../../target/validate.mjs";
import { compile } from "./compile.mjs";
import { fitsSeveral, leaves } from "./leaves.mjs";
import { begin, SPENT } from "./limits.mjs";
import { quick } from "./quick.mjs";
import { clip, expectedAndFound } from "./words.mjs";

// How many reasons are told; the one after them says how many more there are. Equal to the core's.
const MAX_VIOLATIONS = 20;
// A longer pointer is cut already here: the core, which cuts at 256 characters, need not get all of it.
const MAX_POINTER_CHARS = 257;

const SPENT_WORDS =
  "validation took too many steps, so the document counts as refused; expected a schema and a document that need fewer: " +
  "shorter lists under uniqueItems, fewer alternatives under anyOf and oneOf, shorter strings under patterns";
const STACK_WORDS =
  "validation went too deep or found too many violations at once, so the document counts as refused; " +
  "expected a schema with fewer references and alternatives within each other";

// The schema that was compiled last: an object has one.
let last = { text: null };

// Whether a schema can be used.
export function check(schema) {
  return answer(() => told(compiled(schema).reasons));
}

// Whether a document keeps a schema.
export function validate(schema, document) {
  return answer(() => {
    const made = compiled(schema);
    if (made.reasons.length > 0) return told(made.reasons);
    const value = JSON.parse(document);
    begin(made.patterns, true);
    if (made.keeps(value)) return [];
    begin(made.patterns);
    return told(leaves(run(value, made.root, made.lookup).errors), (errors) => inWords(made, value, errors));
  });
}

function answer(work) {
  try {
    return JSON.stringify(work());
  } catch (error) {
    let words = "the validator failed, so the document counts as refused";
    if (error === SPENT) words = SPENT_WORDS;
    else if (error instanceof RangeError) words = STACK_WORDS;
    return JSON.stringify([["", "schema_limit", words]]);
  }
}

function compiled(text) {
  if (last.text !== text) {
    const made = compile(JSON.parse(text));
    last = { text, ...made, keeps: made.reasons.length > 0 ? null : quick(made) };
  }
  return last;
}

function told(list, asReasons = (reasons) => reasons) {
  const reasons = asReasons(list.slice(0, MAX_VIOLATIONS)).map(([pointer, ...rest]) => [clip(pointer, MAX_POINTER_CHARS), ...rest]);
  const more = list.length - reasons.length;
  return more > 0 ? [...reasons, ["", reasons[0][1], `and ${more} more like these`]] : reasons;
}

function inWords(made, document, errors) {
  const seen = new Map();
  return errors.map((error) => {
    const [instance, location] = [error.instanceLocation.slice(1), error.keywordLocation.slice(1)];
    // Of several equal ones (keys that miss), each means another.
    const same = JSON.stringify([instance, location]);
    const nth = seen.get(same) ?? 0;
    seen.set(same, nth + 1);
    const keyword = fitsSeveral(error) ? "several" : error.keyword;
    return [instance, "schema", "", ...expectedAndFound(made, document, { instance, keyword, location, nth })];
  });
}
