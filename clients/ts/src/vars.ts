// The layer of a Worker's own vars, as the Rust reader has it. An entry of its own: who does not use it does not carry it.

import { checked, isObject, type Validate } from "./check.ts";
import type { Env } from "./options.ts";

const VAR = "BELLWETHER_VARS";

/**
 * `base` with the var `BELLWETHER_VARS` on it, JSON or its text, as a merge patch (RFC 7396). Where the var is no object,
 * or the outcome does not fit `validate`, it is left out and a warning logged: a base there must be.
 */
export function vars<T extends object>(base: T, env: Env, validate?: Validate): T {
  if (env[VAR] === undefined) return base;
  const [patch, , noJson] = checked(undefined, env[VAR]);
  // As everywhere, the lowest layer that holds anything is no patch.
  const layered = isObject(patch) && Object.keys(base).length ? merged(base, patch) : patch;
  const [, pointer, why] = noJson ? [undefined, "", noJson] : checked(validate, layered);
  if (why === undefined) return layered as T;
  console.warn(JSON.stringify({ level: "warn", event: "reader_settings", detail: `${VAR} is left out: ${pointer}: ${why}` }));
  return base;
}

/** `target` with the patch applied; neither of them is changed. */
function merged(target: unknown, patch: object): object {
  // By entries: a key like __proto__ stays a key.
  const members = new Map<string, unknown>(Object.entries(isObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) members.delete(key);
    else members.set(key, isObject(value) ? merged(members.get(key), value) : value);
  }
  return Object.fromEntries(members);
}
