// What of the package's errors is told: violations, and not that a subschema further out did not fit because of them.

// Say only that a subschema did not fit; what it found follows them.
const WRAPPERS = new Set([
  "$ref", "allOf", "if", "dependentSchemas", "properties", "patternProperties", "additionalProperties", "propertyNames",
  "prefixItems", "items", "unevaluatedItems", "unevaluatedProperties",
]); // prettier-ignore
// Speak for all subschemas below them.
const CHOICES = new Set(["anyOf", "oneOf", "contains"]);

// The errors that are violations themselves.
export function leaves(errors) {
  const kept = [];
  for (let at = 0; at < errors.length; at += 1) {
    const error = errors[at];
    const { keyword, keywordLocation } = error;
    if (CHOICES.has(keyword)) {
      const below = `${keywordLocation}/`;
      const start = at + 1;
      while (at + 1 < errors.length && isBelow(errors[at + 1], below)) at += 1;
      const meant = keyword === "contains" ? null : theOneMeant(error, errors.slice(start, at + 1));
      for (const found of meant ?? [error]) kept.push(found);
    } else if (keyword === "minContains") {
      // Here the package tells first what is wrong with the items.
      const items = keywordLocation.slice(0, -keyword.length) + "contains";
      while (kept.length > 0 && isBelow(kept[kept.length - 1], `${items}/`)) kept.pop();
      kept.push(error);
    } else if (!WRAPPERS.has(keyword)) {
      kept.push(error);
    }
  }
  return kept;
}

// Only the package's message tells.
export function fitsSeveral({ keyword, error }) {
  return keyword === "oneOf" && !error.includes("(0 matches)");
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
