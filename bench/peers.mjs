// Who takes part: what each is deployed as, and how it is asked.
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { binding, Workerd } from "./lib/workerd.mjs";

const root = join(import.meta.dirname, "..");
const SECRET = "bench-secret-4c1d";
const AUTHORIZATION = { authorization: `Bearer ${SECRET}` };
const TOKENS = JSON.stringify([{ name: "bench", sha256: createHash("sha256").update(SECRET).digest("hex"), scopes: ["read", "reload", "publish"] }]);

// A configuration of about so many bytes.
export function configOf(bytes) {
  const items = [];
  for (let size = 12; size < bytes; size += JSON.stringify(items.at(-1)).length + 1) items.push({ name: `thumbnail-${items.length}`, width: items.length });
  return { items };
}

const script = (...names) => names.map((name) => ({ name: `./${name}`, kind: "esModule", file: join(root, "bench/workers", name) }));
const bundled = (name) => [{ name, kind: "esModule", file: join(root, "target/bench", name) }];

function rust(folder) {
  const kinds = { js: "esModule", wasm: "wasm" };
  const file = (name) => ({ name, kind: kinds[name.split(".").pop()], file: join(root, folder, name) });
  const names = readdirSync(join(root, folder)).filter((name) => name.split(".").pop() in kinds);
  // The entry first.
  return [{ name: "worker/shim.mjs", kind: "esModule", file: join(root, folder, "worker/shim.mjs") }, ...names.map(file)];
}

const kvBinding = '(name = "CONFIG_KV", kvNamespace = "played-kv")';
const objectOf = (name, className, service) =>
  service
    ? `(name = "${name}", durableObjectNamespace = (className = "${className}", serviceName = "${service}"))`
    : `(name = "${name}", durableObjectNamespace = "${className}")`;

// The coordinator's Worker, on a KV source or published to.
function coordinator(source) {
  const settings = { spaces: { default: { source, ttl: "30s", refresh_interval: "5m" } }, reader: { cold_start: { wait: "5s" } } };
  const bindings = [objectOf("COORDINATOR", "Coordinator"), binding("BELLWETHER", "json", JSON.stringify(settings)), binding("BELLWETHER_TOKENS", "text", TOKENS), kvBinding];
  return { name: "coordinator", modules: rust("build"), object: "Coordinator", bindings };
}

// By name: `workers` that are deployed, the first of which is asked; `ask` for a path and headers where there are so
// many lookups.
export function peers(config, { source = { kv: "CONFIG_KV", key: "config" } } = {}) {
  const CONFIG = binding("CONFIG", "json", JSON.stringify(config));
  const lookups = (count) => ({ path: `/?lookups=${count}` });
  const whole = () => ({ path: "/v1/spaces/default/config", headers: AUTHORIZATION });
  const leader = coordinator(source);
  const follower = (name, modules) => ({ name, modules, bindings: [objectOf("COORDINATOR", "Coordinator", "coordinator"), binding("BELLWETHER", "json", JSON.stringify({ reader: { cold_start: { wait: "5s" } } }))] });
  return {
    "empty JS": { workers: [{ name: "empty", modules: script("empty.mjs") }], ask: () => ({ path: "/" }) },
    "empty Rust": { workers: [{ name: "empty", modules: rust("target/empty-rust") }], ask: () => ({ path: "/" }) },
    "KV read per request": { workers: [{ name: "kv", modules: bundled("kv.js"), bindings: [kvBinding] }], ask: lookups },
    "memory over KV": { workers: [{ name: "memory", modules: bundled("memory.js"), bindings: [kvBinding] }], ask: lookups },
    "object call per request": { workers: [{ name: "object", modules: bundled("object.js"), object: "Holder", bindings: [objectOf("HOLDER", "Holder"), CONFIG] }], ask: lookups },
    "JS twin": { workers: [{ name: "twin", modules: bundled("twin.js"), object: "Twin", bindings: [objectOf("TWIN", "Twin"), CONFIG] }], ask: lookups },
    "JS twin, whole": { workers: [{ name: "twin", modules: bundled("twin.js"), object: "Twin", bindings: [objectOf("TWIN", "Twin"), CONFIG] }], ask: () => ({ path: "/" }) },
    "Bellwether, whole": { workers: [leader], ask: whole },
    "Bellwether, TypeScript reader": { workers: [follower("reader", bundled("reader.js")), leader], ask: lookups },
    "Bellwether, Rust reader": { workers: [follower("reader", rust("target/reader-rust")), leader], ask: lookups },
  };
}

// The same front before the twin's object and before Bellwether's.
export function fronts(config) {
  const { "JS twin": twin } = peers(config);
  const front = (service, className) => ({ name: "front", modules: script("front.mjs"), bindings: [objectOf("OBJECT", className, service)] });
  return {
    "JS object": { workers: [front("twin", "Twin"), ...twin.workers] },
    "Bellwether's object": { workers: [front("coordinator", "Coordinator"), coordinator({ kv: "CONFIG_KV", key: "config" })] },
  };
}

// A process with this peer, and the port to ask.
export async function start({ workers }, kv) {
  const services = [`(name = "played-kv", external = (address = "${kv.address}", http = ()))`];
  const workerd = await Workerd.start(workers, services);
  return { workerd, port: workerd.ports[workers[0].name] };
}
