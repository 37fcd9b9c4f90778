// What one would write oneself, and the least that a Worker can be.
import { bundled, json, kv, object, rust, script } from "./deploy.mjs";
import { follower, ownEntry, rustReader, typescript } from "./bellwether.mjs";

const ask = (lookups) => ({ path: `/?lookups=${lookups}` });
const OBJECT = object("OBJECT", "Twin", "twin-object");

function twinObject(config, ttlMs = 30_000) {
  return {
    name: "twin-object",
    modules: script("twin-object.mjs"),
    object: "Twin",
    bindings: [object("OBJECT", "Twin"), json("CONFIG", config), json("TTL_MS", ttlMs)],
  };
}

const asked = (port) => fetch(`http://127.0.0.1:${port}/calls`);

function standing(config, ttlMs) {
  return {
    behind: [twinObject(config, ttlMs)],
    prepare: ({ "twin-object": port }) => asked(port),
    calls: async ({ "twin-object": port }) => Number(await (await asked(port)).text()),
  };
}

export function least() {
  return {
    "empty JS": { worker: { name: "empty", modules: script("empty.mjs") }, ask: () => ({ path: "/", whole: true }) },
    "empty Rust": { worker: { name: "empty", modules: rust("target/empty-rust") }, ask: () => ({ path: "/", whole: true }) },
  };
}

export function byHand({ config }) {
  const twin = { worker: { name: "twin", modules: bundled("twin.js"), bindings: [OBJECT] }, ...standing(config) };
  return {
    "KV read per request": { worker: { name: "kv", modules: bundled("kv.js"), bindings: [kv("CONFIG_KV")] }, ask },
    "memory over KV": { worker: { name: "memory", modules: bundled("memory.js"), bindings: [kv("CONFIG_KV")] }, ask },
    "object call per request": { worker: { name: "object", modules: bundled("object.js"), bindings: [OBJECT] }, ask, ...standing(config) },
    "JS twin": { ...twin, ask },
    "JS twin, whole": { ...twin, ask: () => ({ path: "/", whole: true }) },
  };
}

export const twinBehindFront = ({ config }) => ({
  worker: { name: "front", modules: script("front.mjs"), bindings: [OBJECT] },
  ask: () => ({ path: "/", whole: true }),
  ...standing(config),
});

// Readers of an object that gives a TTL of none, so that each read is a conditional request: the same JavaScript object
// for all, since what the readers take is wanted.
export function revalidating({ config }) {
  const behind = standing(config, 0);
  const following = { ...OBJECT, name: "COORDINATOR" };
  return {
    "JS twin": { worker: { name: "twin", modules: bundled("twin.js"), bindings: [OBJECT] }, ask, ...behind },
    "Bellwether, TypeScript reader": { ...follower(typescript(), following), ...behind },
    "Bellwether, Rust reader": { ...follower(rustReader(), following), ...behind },
    "Bellwether, Rust reader, own entry": { ...follower(ownEntry(), following), ...behind },
  };
}
