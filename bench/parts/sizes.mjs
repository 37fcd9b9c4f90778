// What a Worker's script weighs, gzipped as the platform counts it: each file by itself.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const root = join(import.meta.dirname, "../..");

export function sizes() {
  return {
    "empty Rust": folder("target/empty-rust"),
    "Bellwether's Rust reader in a Worker": folder("target/reader-rust"),
    "Bellwether's TypeScript reader": gzipped(join(root, "clients/ts/dist/index.js")),
    "JS twin": gzipped(join(root, "target/bench/twin.js")),
    "Bellwether's own Worker": folder("build"),
  };
}

function folder(path) {
  const files = readdirSync(join(root, path)).filter((name) => /\.(js|wasm)$/.test(name));
  return files.reduce((sum, name) => sum + gzipped(join(root, path, name)), 0);
}

const gzipped = (file) => gzipSync(readFileSync(file), { level: 9 }).length;
