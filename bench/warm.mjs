import { createHash } from "node:crypto";
import { join } from "node:path";
import { Load } from "./lib/load.mjs";
import { Workerd, binding } from "./lib/workerd.mjs";
const root = join(import.meta.dirname, "..");
const date = "2026-10-01";
const bytes = Number(process.argv[2] ?? 20000);
const items = []; while (JSON.stringify({items}).length < bytes) items.push({ name: `thumbnail-${items.length}`, width: items.length });
const config = { items };
const sha = createHash("sha256").update("secret").digest("hex");
const esm = (name, file) => ({ name, kind: "esModule", file });
const wasm = (folder) => [esm("worker/shim.mjs", join(root, folder, "worker/shim.mjs")), esm("index.js", join(root, folder, "index.js")), { name: "index_bg.wasm", kind: "wasm", file: join(root, folder, "index_bg.wasm") }];
const settings = { spaces: { default: { source: "none", ttl: "30s" } }, reader: { cold_start: { wait: "5s" } } };
const peers = {
  "js empty": [{ name: "w", date, modules: [esm("w.mjs", join(root, "bench/workers/empty.mjs"))] }],
  "rust empty": [{ name: "w", date, modules: wasm("target/empty-rust") }],
  twin: [{ name: "w", date, modules: [esm("w.mjs", join(root, "bench/workers/twin.mjs"))], object: "Twin", bindings: ['(name = "TWIN", durableObjectNamespace = "Twin")', binding("CONFIG", "json", JSON.stringify(config))] }],
  bellwether: [{ name: "w", date, modules: wasm("build"), object: "Coordinator", bindings: ['(name = "COORDINATOR", durableObjectNamespace = "Coordinator")', binding("BELLWETHER", "json", JSON.stringify(settings)), binding("BELLWETHER_TOKENS", "text", JSON.stringify([{ name: "b", sha256: sha, scopes: ["read", "reload", "publish"] }]))] }],
};
if (process.env.OLD_BUILD) peers.before = [{ ...peers.bellwether[0], modules: wasm(process.env.OLD_BUILD) }];
const running = {};
for (const [name, workers] of Object.entries(peers)) running[name] = await Workerd.start(workers);
const auth = { authorization: "Bearer secret" };
for (const name of ["bellwether", "before"]) {
  if (!running[name]) continue;
  const r = await fetch(`http://127.0.0.1:${running[name].ports.w}/v1/spaces/default/document`, { method: "PUT", headers: { ...auth, "if-match": "*", "content-type": "application/json" }, body: JSON.stringify(config) });
  if (r.status !== 200) throw new Error(await r.text());
}
const path = "/v1/spaces/default/config";
const etags = {};
for (const name of ["bellwether", "before", "twin"]) {
  if (!running[name]) continue;
  const r = await fetch(`http://127.0.0.1:${running[name].ports.w}${name === "twin" ? "/object" : "/v1/spaces/default/snapshot"}`, { headers: auth });
  etags[name] = r.headers.get("etag"); await r.text();
}
const loads = {
  warm: (name) => new Load(running[name].ports.w, path, name === "twin" || name.includes("empty") ? {} : auth),
  "object 304": (name) => etags[name] && new Load(running[name].ports.w, name === "twin" ? "/object" : "/v1/spaces/default/snapshot", { ...(name === "twin" ? {} : auth), "if-none-match": etags[name] }),
  "object 200": (name) => etags[name] && new Load(running[name].ports.w, name === "twin" ? "/object" : "/v1/spaces/default/snapshot", { ...(name === "twin" ? {} : auth) }),
};
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
for (const [what, make] of Object.entries(loads)) {
  const results = {};
  for (let round = 0; round < 9; round += 1) {
    for (const name of Object.keys(running)) {
      const load = make(name);
      if (!load) continue;
      if (round === 0) await load.run(2000, 4);
      const count = Number(process.env.COUNT ?? 2000);
      const cpu = running[name].cpuMs();
      const started = performance.now();
      const last = await load.run(count, 10);
      const ms = performance.now() - started;
      (results[name] ??= { rps: [], cpu: [], last }).rps.push((count / ms) * 1000);
      results[name].cpu.push(((running[name].cpuMs() - cpu) / count) * 1000);
    }
  }
  console.log(what);
  for (const [name, { rps, cpu, last }] of Object.entries(results)) console.log(`  ${name.padEnd(12)} ${median(rps).toFixed(0).padStart(6)} rps  ${median(cpu).toFixed(0).padStart(5)} us CPU   status ${last.status} ${last.bytes} B   x twin ${(median(rps) / median(results.twin?.rps ?? [1])).toFixed(2)}`);
}
for (const workerd of Object.values(running)) await workerd.stop();
