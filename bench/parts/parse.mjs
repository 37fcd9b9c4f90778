// How long it takes to parse a configuration, in wasm and in V8.
import { Load } from "../lib/load.mjs";
import { Workerd } from "../lib/workerd.mjs";
import { asDeployed, rust, script, text } from "../peers/deploy.mjs";
import { documents } from "../peers/documents.mjs";
import { mustBe } from "../peers/stage.mjs";
import { takeTurns, withAll } from "./turns.mjs";

// So many bytes are parsed in one request, so that the request itself does not matter.
const BYTES = 4_000_000;

const WAYS = {
  "JSON.parse in V8": { modules: () => script("parse.mjs"), way: "v8" },
  "serde_json::Value": { modules: () => rust("target/parse-rust"), way: "value" },
  "serde_json, RawValue for each section": { modules: () => rust("target/parse-rust"), way: "sections" },
  "serde_json, into the Worker's own type": { modules: () => rust("target/parse-rust"), way: "typed" },
  "Document::parse (the coordinator's, with all its limits)": { modules: () => rust("target/parse-rust"), way: "document" },
};

export async function parse({ bytes, rounds, say }) {
  const config = documents(bytes).kv.config;
  const count = Math.max(1, Math.round(BYTES / config.length));
  const results = {};
  const start = async ({ modules, way }, name) => {
    const workerd = await Workerd.start([asDeployed({ name: "parse", modules: modules(), bindings: [text("CONFIG", config)] })]);
    const load = new Load(workerd.ports.parse, `/?way=${way}&count=${count}`);
    mustBe(await load.once(), String(count), name);
    await load.once();
    results[name] = { us: [] };
    return { workerd, load };
  };
  await withAll(WAYS, start, (running) =>
    takeTurns(running, rounds, say, async (name, { load }) => {
      results[name].us.push(((await load.once()).ms * 1_000) / count);
    }),
  );
  return results;
}
