// Makes of the npm package's validate.js what the Worker bundles: adapt-validator.mjs, into target/validate.mjs.
// - What bounds a validation stands in src/schema/limits.mjs: the package trusts its schemas and counts nothing.
// - Formats, `dereference`, keywords of older drafts and messages go: src/schema/ lets none of them get there, and they
//   are more than half of the package (gzipped).
// Each edit must find its text, so that another version of the package stops the build instead of changing it in silence.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, "node_modules/@cfworker/json-schema/dist/esm/validate.js");
const output = join(root, "target/validate.mjs");

// Never in a schema that src/schema/ made: as the package takes them from there, and what they are then.
const GONE = [
  "$recursiveRef",
  "$recursiveAnchor",
  "const: $const",
  "format: $format",
  "dependencies: $dependencies",
  "additionalItems: $additionalItems",
  "__absolute_ref__",
];
const CONSTANTS = {
  ...Object.fromEntries(GONE.map((name) => [name.split(" ").pop(), "undefined"])),
  draft: '"2020-12"',
  shortCircuit: "false",
};
// Never so, either: schemas are objects, and references lead to one.
const NEVER = ["schema === true", "schema === false", "refSchema === undefined", "Array.isArray($items)"];
// Messages that nobody reads; the one of oneOf, which tells how many alternatives fit, stays.
const MESSAGES = 51;

let code = readFileSync(source, "utf8");

for (const line of ["import { dereference } from './dereference.js';\n", "import { format } from './format.js';\n"]) {
  replace(line, "");
}
for (const name of ["deepCompareStrict", "encodePointer", "ucs2length"]) {
  code = replaced(new RegExp(`import \\{ ${name} \\} from '\\./[a-z0-9-]+\\.js';\n`), `import { ${name} } from "../src/schema/limits.mjs";\n`);
}
replace("draft = '2019-09', lookup = dereference(schema), shortCircuit = true,", "lookup,");
code = code.replaceAll(" draft, lookup, shortCircuit,", " lookup,");
replace("    const rawInstanceType = typeof instance;\n", "    enter(schema, instance);\n    const rawInstanceType = typeof instance;\n");
for (const name of GONE) replace(` ${name},`, "");
for (const condition of NEVER) replace(`if (${condition})`, "if (false)");
// esbuild takes what cannot happen any more out.
for (const [name, value] of Object.entries(CONSTANTS)) {
  code = replaced(new RegExp(`(?<![\\w$])${name.replace("$", "\\$")}(?!\\w)`, "g"), value);
}
let messages = 0;
code = code.replace(/,\n +error: (`[^`]*`|'[^']*')(?=\n)/g, (text) => {
  if (text.includes("${matches} matches")) return text;
  messages += 1;
  return "";
});
if (messages !== MESSAGES) fail(`has ${messages} messages instead of ${MESSAGES}`);
if (!code.includes("(${matches} matches)")) fail("has lost the message that is read");

code = `import { RegExp, enter } from "../src/schema/limits.mjs";\n${code.replace(/\n\/\/# sourceMappingURL.*\s*$/, "\n")}`;

mkdirSync(dirname(output), { recursive: true });
// Somebody may be reading the one before.
writeFileSync(`${output}.${process.pid}`, code);
renameSync(`${output}.${process.pid}`, output);

function replace(text, by) {
  const before = code.split(text);
  if (before.length !== 2) fail(`has ${before.length - 1} times: ${text.trim()}`);
  code = before.join(by);
}

function replaced(pattern, by) {
  if (!pattern.test(code)) fail(`has nothing like ${pattern}`);
  return code.replace(pattern, by);
}

function fail(what) {
  throw new Error(`${source} ${what}: look at what changed there, then at this script`);
}
