// Places of a document for which nothing of the schema is quoted.

// What a secret's key is called, without `-` and `_`.
const NAMES = /password|passwd|passphrase|secret|token|apikey|privatekey|credential|authorization/i;
// How many schemas are followed for one place. Where there are more, it counts as a secret.
const MAX_FOLLOWED = 4_096;

// Whether a secret stands at this place, or the place is inside one: by the names on the way, or because some part of
// the schema marks it `writeOnly`.
export function isSecret(compiled, tokens) {
  return tokens.some((token) => NAMES.test(token.replace(/[-_]/g, ""))) || isWriteOnly(compiled, tokens);
}

// Follows every schema that may apply along the way, whether or not it does in this document.
function isWriteOnly({ root, lookup }, tokens) {
  let schemas = new Set([root]);
  for (let at = 0; ; at += 1) {
    // A set that grows while it is walked over: the walk goes on to what was added.
    for (const schema of schemas) {
      for (const inner of inPlace(schema, lookup)) schemas.add(inner);
      if (schemas.size > MAX_FOLLOWED || schema.writeOnly) return true;
    }
    if (at === tokens.length) return false;
    schemas = new Set([...schemas].flatMap((schema) => below(schema, tokens[at])));
  }
}

const there = (schemas) => schemas.filter((schema) => schema !== undefined);

// The schemas that apply to the same value.
function inPlace({ $ref, allOf = [], anyOf = [], oneOf = [], dependentSchemas = {}, if: condition, then, else: otherwise, not }, lookup) {
  const dependent = Object.values(dependentSchemas);
  return there([lookup[$ref], condition, then, otherwise, not, ...allOf, ...anyOf, ...oneOf, ...dependent]);
}

// The schemas that may apply to a member or an item. Patterns are taken to match.
function below({ properties = {}, patternProperties = {}, prefixItems = [], ...schema }, token) {
  const named = Object.hasOwn(properties, token) ? properties[token] : undefined;
  const items = /^\d+$/.test(token) ? prefixItems : [];
  const { additionalProperties, unevaluatedProperties, items: rest, contains, unevaluatedItems } = schema;
  const others = [additionalProperties, unevaluatedProperties, rest, contains, unevaluatedItems];
  return there([named, ...Object.values(patternProperties), ...items, ...others]);
}
