// Takes classes that nobody can reach out of wasm-bindgen's output, in place: prune-exports.mjs INDEX_BG_WASM.
// The crates worker and wasm-streams export them from every Worker; Bellwether makes none of them. Without their
// exports wasm-opt removes the code behind them: 4 KB gzipped with their JavaScript.
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

const wasm = withoutExports(readFileSync(wasmPath), (name) =>
  CLASSES.some((dropped) => new RegExp(`^(__wbg_|__wbg_[gs]et_)?${dropped.toLowerCase()}_`).test(name)),
);
// Whatever index.js still calls must be there.
const kept = new Set(WebAssembly.Module.exports(new WebAssembly.Module(wasm)).map(({ name }) => name));
for (const [, name] of js.matchAll(/\bwasm\.(\w+)/g)) {
  if (!kept.has(name)) throw new Error(`${jsPath} uses the export ${name}, which is left out`);
}
writeFileSync(wasmPath, wasm);
writeFileSync(jsPath, js);

function withoutExports(bytes, isDropped) {
  const EXPORTS = 7;
  const out = [bytes.subarray(0, 8)];
  for (let at = 8; at < bytes.length; ) {
    const section = { id: bytes[at], start: at };
    const [size, content] = number(bytes, at + 1);
    at = content + size;
    if (section.id !== EXPORTS) {
      out.push(bytes.subarray(section.start, at));
      continue;
    }
    const entries = [];
    let [count, entry] = number(bytes, content);
    for (; count > 0; count -= 1) {
      const [length, name] = number(bytes, entry);
      // A name, a kind of one byte, an index.
      const [, end] = number(bytes, name + length + 1);
      if (!isDropped(bytes.toString("utf8", name, name + length))) entries.push(bytes.subarray(entry, end));
      entry = end;
    }
    const body = Buffer.concat([leb128(entries.length), ...entries]);
    out.push(Buffer.of(EXPORTS), leb128(body.length), body);
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
