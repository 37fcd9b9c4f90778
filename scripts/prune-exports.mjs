// Prunes wasm-bindgen's output, in place: prune-exports.mjs INDEX_BG_WASM.
// - Classes that nobody can reach: the crates worker and wasm-streams export them from every Worker; Bellwether makes
//   none of them. Without their exports wasm-opt removes the code behind them: 4 KB gzipped with their JavaScript.
// - Names of imports and of closures: each holds hashes that no compression makes shorter, and stands in both files.
//   Numbered: 5 KB.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const CLASSES = [
  "ContainerStartupOptions",
  "IntoUnderlyingByteSource",
  "IntoUnderlyingSink",
  "IntoUnderlyingSource",
  "MinifyConfig",
  "R2Range",
];

const wasmPath = process.argv[2];
const jsPath = join(dirname(wasmPath), "index.js");

let js = readFileSync(jsPath, "utf8");
for (const name of CLASSES) {
  const before = js;
  js = js
    .replace(new RegExp(`^(export )?class ${name} \\{\\n[^]*?^\\}\\n`, "m"), "")
    .replace(new RegExp(`^if \\(Symbol\\.dispose\\) ${name}\\.prototype.*\\n`, "m"), "")
    .replace(new RegExp(`^const ${name}Finalization = [^]*?^\\}\\);\\n`, "m"), "");
  // Still used: something in the bundle makes one, or wasm-bindgen writes them differently now.
  if (js === before || new RegExp(`\\b${name}`).test(js)) throw new Error(`${jsPath}: cannot leave out the class ${name}`);
}

const LONG_NAME = /\b(__wbg_\w+_[0-9a-f]{16}|wasm_bindgen_[0-9a-f]{16}___\w+)\b/g;
const shortNames = new Map();
// Both files are renamed alike, in the order of the first one.
function short(text) {
  return text.replace(LONG_NAME, (name) => {
    if (!shortNames.has(name)) shortNames.set(name, `_${shortNames.size.toString(36)}`);
    return shortNames.get(name);
  });
}

const isDropped = (name) => CLASSES.some((dropped) => new RegExp(`^(__wbg_|__wbg_[gs]et_)?${dropped.toLowerCase()}_`).test(name));
const wasm = withImports(withExports(readFileSync(wasmPath), (name) => (isDropped(name) ? undefined : short(name))), short);
js = short(js);
// Whatever index.js still calls must be there, and the other way round.
const built = new WebAssembly.Module(wasm);
const kept = new Set(WebAssembly.Module.exports(built).map(({ name }) => name));
for (const [, name] of js.matchAll(/\bwasm\.(\w+)/g)) {
  if (!kept.has(name)) throw new Error(`${jsPath} uses the export ${name}, which is left out`);
}
for (const { module, name } of WebAssembly.Module.imports(built)) {
  // What needs no adapting is taken from its own module, whole.
  if (js.includes(`from ${JSON.stringify(module)}`)) continue;
  if (!new RegExp(`\\b${name}\\b`).test(js)) throw new Error(`${jsPath} lacks the import ${name}`);
}
writeFileSync(wasmPath, wasm);
writeFileSync(jsPath, js);

// The module with each import under the name that `renamed` gives.
function withImports(bytes, renamed) {
  const [IMPORTS, FUNCTION, TAG] = [2, 0, 4];
  return rewritten(bytes, IMPORTS, (at) => {
    const entries = [];
    let count;
    [count, at] = number(bytes, at);
    for (let left = count; left > 0; left -= 1) {
      const [moduleLength, module] = number(bytes, at);
      const [length, name] = number(bytes, module + moduleLength);
      const described = name + length;
      // A kind of one byte, the type's index; an exception's tag has an attribute between.
      const kind = bytes[described];
      if (kind !== FUNCTION && kind !== TAG) throw new Error("an import that is neither a function nor a tag");
      const [, end] = number(bytes, described + (kind === TAG ? 2 : 1));
      const short = Buffer.from(renamed(bytes.toString("utf8", name, described)));
      entries.push(bytes.subarray(at, module + moduleLength), leb128(short.length), short, bytes.subarray(described, end));
      at = end;
    }
    return [leb128(count), ...entries];
  });
}

// The module with each export under the name that `renamed` gives; without those that get none.
function withExports(bytes, renamed) {
  const EXPORTS = 7;
  return rewritten(bytes, EXPORTS, (at) => {
    const entries = [];
    let count;
    [count, at] = number(bytes, at);
    for (; count > 0; count -= 1) {
      const [length, name] = number(bytes, at);
      const described = name + length;
      // A kind of one byte, an index.
      const [, end] = number(bytes, described + 1);
      const given = renamed(bytes.toString("utf8", name, described));
      if (given !== undefined) {
        const text = Buffer.from(given);
        entries.push(Buffer.concat([leb128(text.length), text, bytes.subarray(described, end)]));
      }
      at = end;
    }
    return [leb128(entries.length), ...entries];
  });
}

// The module with another content in one of its sections: `made` of the place where the old one begins.
function rewritten(bytes, id, made) {
  const out = [bytes.subarray(0, 8)];
  for (let at = 8; at < bytes.length; ) {
    const start = at;
    const [size, content] = number(bytes, at + 1);
    at = content + size;
    if (bytes[start] !== id) {
      out.push(bytes.subarray(start, at));
      continue;
    }
    const body = Buffer.concat(made(content));
    out.push(Buffer.of(id), leb128(body.length), body);
  }
  return Buffer.concat(out);
}

// An unsigned LEB128 number, and where the next byte stands.
function number(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}

function leb128(value) {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return Buffer.from([...bytes, value]);
}
