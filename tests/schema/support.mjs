// What the tests share.
import { check, validate } from "../../src/schema/schema.mjs";

// Why a schema cannot be used: `pointer: message` each. Takes JSON, or a value.
export const refusals = (schema) => said(check(text(schema)));

// What is said of a document.
export const violations = (schema, document) => said(validate(text(schema), text(document)));

// The one code in an answer; "valid" for a yes.
export function code(answer) {
  const codes = new Set(JSON.parse(answer).map(([, code]) => code));
  return codes.size === 0 ? "valid" : [...codes].join();
}

// A schema for the member `v`.
export const ofV = (schema) => ({ properties: { v: schema } });

const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));

// As the core writes it.
function said(answer) {
  return JSON.parse(answer).map(([pointer, , message, expected, found]) => {
    const words = found === undefined ? message : `found ${found}; expected ${expected}`;
    return pointer === "" ? words : `${pointer}: ${words}`;
  });
}

// Random numbers that a seed tells: `below(n)` gives 0 to n - 1.
export function random(seed) {
  let state = BigInt(seed) * 2n + 1n;
  return (below) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn;
    return Number(state >> 33n) % below;
  };
}

// The seed of this run, told where something fails: SCHEMA_SEED repeats it.
export const seed = Number(process.env.SCHEMA_SEED ?? Date.now());
