// Where and with what it was measured.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

export function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: `${cpus().length} × ${cpus()[0].model}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${type()} ${release()}`,
    load: loadavg()[0].toFixed(1),
  };
}

// As they were installed, by the lock files.
export function versions() {
  const version = (path) => JSON.parse(readFileSync(join(root, path, "package.json"))).version;
  const peers = ["@launchdarkly/cloudflare-server-sdk", "@vercel/edge-config", "@growthbook/growthbook", "@growthbook/edge-cloudflare"];
  const worker = /name = "worker"\nversion = "(.*)"/.exec(readFileSync(join(root, "Cargo.lock"), "utf8"))[1];
  return {
    workerd: execFileSync(process.env.BELLWETHER_WORKERD, ["--version"]).toString().trim().replace("workerd ", ""),
    node: process.version,
    "worker (crate)": worker,
    "miniflare, for Flagship": version("node_modules/miniflare"),
    ...Object.fromEntries(peers.map((name) => [name, version(`bench/node_modules/${name}`)])),
  };
}
