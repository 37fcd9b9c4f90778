// GrowthBook's SDK with its own cache in memory, over KV, over its API: the other way that its page for Cloudflare
// Workers shows. What is older than a minute is fetched again behind the response.
import { getKVLocalStoragePolyfill } from "@growthbook/edge-cloudflare";
import { GrowthBook, setPolyfills } from "@growthbook/growthbook";
import { GROWTHBOOK_KEY, keyOf } from "../peers/documents.mjs";
import { countIn } from "./shared.mjs";

export default {
  async fetch(request, env) {
    setPolyfills({ localStorage: getKVLocalStoragePolyfill(env) });
    const growthbook = new GrowthBook({ apiHost: env.GROWTHBOOK_API_HOST, clientKey: GROWTHBOOK_KEY, attributes: { id: "bench" } });
    await growthbook.init();
    const lookups = countIn(request);
    let width = 0;
    for (let at = 0; at < lookups; at += 1) width += growthbook.getFeatureValue(keyOf(at), { width: 0 }).width;
    growthbook.destroy();
    return new Response(String(width));
  },
};
