// The JSON Schema Test Suite's required tests for 2020-12. refused.txt has one line for each group whose schema is
// refused: `file: group; why`.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { check, validate } from "../../src/schema/schema.mjs";
import { code } from "./support.mjs";

const folder = process.env.BELLWETHER_SCHEMA_SUITE;
const files = readdirSync(folder).filter((name) => name.endsWith(".json")).sort(); // prettier-ignore
const groups = files.flatMap((file) =>
  JSON.parse(readFileSync(join(folder, file), "utf8")).map((group) => ({ ...group, name: `${file.slice(0, -5)}: ${group.description}` })),
);

test("all verdicts are right and the listed schemas refused", () => {
  const refused = [];
  let count = 0;
  for (const { name, schema, tests } of groups) {
    // A schema here is an object.
    const written = JSON.stringify(typeof schema === "boolean" ? { allOf: [schema] } : schema);
    if (code(check(written)) !== "valid") {
      refused.push(name);
      continue;
    }
    for (const { description, data, valid } of tests) {
      const verdict = code(validate(written, JSON.stringify(data)));
      assert.equal(verdict, valid ? "valid" : "schema", `${name}: ${description}`);
      count += 1;
    }
  }
  assert.ok(count > 1_000, `only ${count} tests`);
  const listed = readFileSync(new URL("refused.txt", import.meta.url), "utf8").trim().split("\n"); // prettier-ignore
  assert.deepEqual(refused, listed.map((line) => line.split("; ")[0])); // prettier-ignore
});
