// What one can buy, or have with Cloudflare: each set up as its documentation says for Workers.
import { join } from "node:path";
import { bundled, json, kv, object, root, service, text } from "./deploy.mjs";

const ask = (lookups) => ({ path: `/?lookups=${lookups}` });
const NODE = ["nodejs_compat"];

export const FLAGSHIP = "Flagship, local store";

export function products({ flagship }, endpoint) {
  const edgeConfig = `${endpoint.url}/ecfg_bench?token=bench`;
  return {
    LaunchDarkly: { worker: { name: "launchdarkly", modules: bundled("launchdarkly.js"), flags: NODE, bindings: [kv("LD_KV")] }, ask },
    "Vercel edge-config": {
      worker: { name: "edge-config", modules: bundled("edge-config.js"), flags: NODE, bindings: [text("EDGE_CONFIG", edgeConfig)] },
      ask,
    },
    "Vercel edge-config, in one call": {
      worker: {
        name: "edge-config",
        modules: bundled("edge-config.js"),
        flags: NODE,
        bindings: [text("EDGE_CONFIG", edgeConfig), json("ALL", true)],
      },
      ask,
    },
    "GrowthBook over KV": {
      worker: { name: "growthbook", modules: bundled("growthbook-kv.js"), flags: NODE, bindings: [kv("KV_GB_PAYLOAD")] },
      ask,
    },
    "GrowthBook, its memory": {
      worker: {
        name: "growthbook",
        modules: bundled("growthbook-memory.js"),
        flags: NODE,
        bindings: [kv("KV_GB_CACHE"), text("GROWTHBOOK_API_HOST", endpoint.url)],
      },
      ask,
    },
    [FLAGSHIP]: flagshipPeer(flagship),
  };
}

// Miniflare, which is part of wrangler, stands in for the service: an object with the flags, and a Worker before it that
// evaluates them. Both are run here as Miniflare runs them.
function flagshipPeer(flags) {
  const files = join(root, "node_modules/miniflare/dist/src/workers/flagship");
  const part = (name) => [{ name: `${name}.worker.js`, kind: "esModule", file: join(files, `${name}.worker.js`) }];
  const flagsBinding = service("FLAGS", "flagship", "FlagshipBinding", { appId: "bench", accountTag: "local" });
  return {
    callsNote: "1 a lookup, not counted",
    worker: { name: "flags", modules: bundled("flagship.js"), bindings: [flagsBinding] },
    behind: [
      { name: "flagship-object", modules: part("object"), object: "FlagshipObject" },
      { name: "flagship", modules: part("binding"), bindings: [object("store", "FlagshipObject", "flagship-object")] },
      { name: "flagship-fill", modules: bundled("flagship-fill.js"), bindings: [flagsBinding] },
    ],
    async prepare({ "flagship-fill": port }) {
      const reply = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: JSON.stringify(flags) });
      if (!reply.ok) throw new Error(`Flagship's store was not filled: ${await reply.text()}`);
    },
    ask,
  };
}
