// What Workers are deployed from: modules and bindings, and workerd's own words for them.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { binding, DATE, quoted } from "../lib/workerd.mjs";

export const root = join(import.meta.dirname, "../..");

// The entry comes first.
export const script = (name) => [{ name, kind: "esModule", file: join(root, "bench/workers", name) }];
export const bundled = (name) => [{ name, kind: "esModule", file: join(root, "target/bench", name) }];

// What worker-build leaves: its index.js is an entry, too.
export function rust(folder) {
  const kinds = { js: "esModule", wasm: "wasm" };
  const names = readdirSync(join(root, folder)).filter((name) => name.split(".").pop() in kinds);
  const inOrder = names.sort((one, other) => (other === "index.js") - (one === "index.js"));
  return inOrder.map((name) => ({ name, kind: kinds[name.split(".").pop()], file: join(root, folder, name) }));
}

export const json = (name, value) => ({ name, kind: "json", value });
export const text = (name, value) => ({ name, kind: "text", value });
export const kv = (name) => ({ name, kind: "kv" });
export const object = (name, className, service) => ({ name, kind: "object", className, service });
export const service = (name, to, entrypoint, props) => ({ name, kind: "service", to, entrypoint, props });

export const PLAYED_KV = "played-kv";

const WORDS = {
  json: ({ name, value }) => binding(name, "json", JSON.stringify(value)),
  text: ({ name, value }) => binding(name, "text", value),
  kv: ({ name }) => `(name = ${quoted(name)}, kvNamespace = ${quoted(PLAYED_KV)})`,
  object: ({ name, className, service: to }) =>
    `(name = ${quoted(name)}, durableObjectNamespace = ${to ? `(className = ${quoted(className)}, serviceName = ${quoted(to)})` : quoted(className)})`,
  service: ({ name, to, entrypoint, props }) => {
    const where = [`name = ${quoted(to)}`];
    if (entrypoint) where.push(`entrypoint = ${quoted(entrypoint)}`);
    if (props) where.push(`props = (json = ${quoted(JSON.stringify(props))})`);
    return `(name = ${quoted(name)}, service = (${where}))`;
  },
};

export function asDeployed(worker) {
  const bindings = (worker.bindings ?? []).map((bound) => (bound.kind in WORDS && !bound.file ? WORDS[bound.kind](bound) : bound));
  return { ...worker, bindings };
}

// In place of a Worker, one that loads it into a new isolate for each request, and what that takes.
export function asLoaded({ name, modules, bindings = [], flags = [] }) {
  const relays = [];
  const services = [];
  const bound = [];
  const vars = {};
  for (const one of bindings) {
    if (one.kind === "json" || one.kind === "text") {
      vars[one.name] = one.value;
      continue;
    }
    const as = `SERVICE_${services.length}`;
    services.push({ name: one.name, as, kind: one.kind });
    if (one.kind === "object")
      relays.push({ name: `relay-${relays.length}`, modules: script("relay.mjs"), bindings: [{ ...one, name: "OBJECT" }] });
    const to = { object: relays.at(-1)?.name, kv: PLAYED_KV, service: one.to }[one.kind];
    bound.push(service(as, to, one.entrypoint, one.props));
  }
  const kinds = { esModule: "js", wasm: "wasm" };
  const files = modules.map(({ kind, file }, index) => ({ name: `MODULE_${index}`, kind: kind === "wasm" ? "data" : "text", file }));
  const told = [
    json(
      "MODULES",
      modules.map((module) => ({ name: module.name, kind: kinds[module.kind] })),
    ),
    json("SERVICES", services),
    json("VARS", vars),
    json("FLAGS", flags),
    text("DATE", DATE),
  ];
  const loader = {
    name,
    modules: [...script("loader.mjs"), { name: "loaded.js", kind: "text", file: script("loaded.mjs")[0].file }],
    bindings: ['(name = "LOADER", workerLoader = ())', ...told, ...bound, ...files],
  };
  return [loader, ...relays];
}
