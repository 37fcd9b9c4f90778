// Bellwether, as its README says: its Worker with the object in one script, and Workers that follow from their own.
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { bundled, json, kv, object, rust, script, text } from "./deploy.mjs";

const SECRET = "bench-secret-4c1d";
const AUTHORIZATION = { authorization: `Bearer ${SECRET}` };
const TOKENS = JSON.stringify([
  { name: "bench", sha256: createHash("sha256").update(SECRET).digest("hex"), scopes: ["read", "reload", "publish"] },
]);
const PATH = "/v1/spaces/default";

// A wait that is long enough to be answered from the configuration even where all of it is new.
const READER = { cold_start: { wait: "5s" }, on_expired: { wait: "5s" } };
const SETTINGS = {
  spaces: { default: { source: { kv: "CONFIG_KV", key: "config" }, ttl: "30s", refresh_interval: "5m" } },
  reader: READER,
};

const deployed = (name, binding) => ({
  name,
  modules: rust("build"),
  bindings: [binding, json("BELLWETHER", SETTINGS), text("BELLWETHER_TOKENS", TOKENS), kv("CONFIG_KV")],
});
const coordinator = { ...deployed("coordinator", object("COORDINATOR", "Coordinator")), object: "Coordinator" };
const follow = object("COORDINATOR", "Coordinator", "coordinator");

// Where the object stands, or has to read its source first.
async function prepare({ coordinator: port }) {
  while ((await tell(port, "snapshot")).headers.get("bellwether-state") !== "fresh") await sleep(5);
}

async function calls({ coordinator: port }) {
  const { counters } = await (await tell(port, "status")).json();
  return Object.values(counters.snapshot_replies_total).reduce((sum, count) => sum + count, 0);
}

const tell = (port, path) => fetch(`http://127.0.0.1:${port}${PATH}/${path}`, { headers: AUTHORIZATION });

const standing = { behind: [coordinator], prepare, calls };

// `modules` of a Worker that follows, the binding that it follows by, and how it is asked.
function follower(modules, binding = follow) {
  return {
    worker: { name: "reader", modules, bindings: [binding, json("BELLWETHER", { reader: READER })] },
    ask: (lookups) => ({ path: `/?lookups=${lookups}` }),
  };
}

export const typescript = () => bundled("reader.js");
export const rustReader = () => rust("target/reader-rust");
export const ownEntry = () => rust("target/reader-rust-own");
export { follower };

// An edge's isolate holds the front only: the object is elsewhere.
const asked = (path) => ({
  worker: deployed("bellwether", follow),
  ask: () => ({ path: `${PATH}/${path}`, headers: AUTHORIZATION, whole: true }),
  ...standing,
});

// An answer as small as those of the Workers that answer nothing much.
export const oneValue = () => ({ "Bellwether, one value": asked("config?pointer=/items/0/width") });

export function bellwether() {
  return {
    "Bellwether, whole": asked("config"),
    "Bellwether, TypeScript reader": { ...follower(typescript()), ...standing },
    "Bellwether, Rust reader": { ...follower(rustReader()), ...standing },
    "Bellwether, Rust reader, own entry": { ...follower(ownEntry()), ...standing },
  };
}

// Its object behind the same front as the twin's.
export const objectBehindFront = () => ({
  worker: { name: "front", modules: script("front.mjs"), bindings: [{ ...follow, name: "OBJECT" }] },
  ask: () => ({ path: "/", whole: true }),
  ...standing,
});
