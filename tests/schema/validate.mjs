// Runs the Worker's own module on Node: validate.mjs MODULE < {"key", "schema", "document"} a line > an answer a line.
// Patterns are matched by V8 here; the core's tests cover the engine that the Worker has.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { violations } = await import(pathToFileURL(process.argv[2]).href);
// The module replaces the global one while it validates.
const Native = RegExp;
const matches = (pattern, text) => (new Native(pattern, "u").test(text) ? 1 : 0);

for (const line of readFileSync(0, "utf8").split("\n").filter((line) => line !== "")) {
  const { key, schema, document } = JSON.parse(line);
  console.log(violations(key, schema, document, matches));
  if (RegExp !== Native) throw new Error("the global RegExp is not what it was");
}
