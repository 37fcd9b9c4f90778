// What is uploaded, gzipped as the platform counts it: each file by itself. JavaScript is minified.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const root = join(import.meta.dirname, "../..");

export function sizes() {
  const {
    "empty Rust": empty,
    "Worker with the Rust reader": reader,
    "Worker with the Rust reader and an entry of its own": own,
    ...others
  } = {
    "empty Rust": folder("target/empty-rust"),
    "Worker with the Rust reader": folder("target/reader-rust"),
    "Worker with the Rust reader and an entry of its own": folder("target/reader-rust-own"),
    "Bellwether's own Worker": folder("build"),
    "@bellwether/reader": gzipped(join(root, "clients/ts/dist/index.js")),
    "Worker with @bellwether/reader": bundle("reader"),
    "JS twin, without its object": bundle("twin"),
    "memory over KV": bundle("memory"),
    LaunchDarkly: bundle("launchdarkly"),
    "Vercel edge-config": bundle("edge-config"),
    "GrowthBook over KV": bundle("growthbook-kv"),
    "GrowthBook, its memory": bundle("growthbook-memory"),
    Flagship: bundle("flagship"),
  };
  return {
    "empty Rust": empty,
    "Worker with the Rust reader": reader,
    "Worker with the Rust reader and an entry of its own": own,
    "Rust reader, over an empty Rust Worker": reader - empty,
    ...others,
  };
}

const bundle = (name) => gzipped(join(root, `target/bench/${name}.js`));

function folder(path) {
  const files = readdirSync(join(root, path)).filter((name) => /\.(js|wasm)$/.test(name));
  return files.reduce((sum, name) => sum + gzipped(join(root, path, name)), 0);
}

const gzipped = (file) => gzipSync(readFileSync(file), { level: 9 }).length;
