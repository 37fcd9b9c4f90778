// GrowthBook's SDK with its payload in KV, where a webhook of theirs puts it: the first way that its page for
// Cloudflare Workers shows.
import { getPayloadFromKV } from "@growthbook/edge-cloudflare";
import { GrowthBook } from "@growthbook/growthbook";
import { keyOf } from "../peers/documents.mjs";
import { countIn } from "./shared.mjs";

export default {
  async fetch(request, env) {
    const payload = await getPayloadFromKV(env);
    const growthbook = new GrowthBook({ attributes: { id: "bench" } });
    await growthbook.init({ payload });
    const lookups = countIn(request);
    let width = 0;
    for (let at = 0; at < lookups; at += 1) width += growthbook.getFeatureValue(keyOf(at), { width: 0 }).width;
    growthbook.destroy();
    return new Response(String(width));
  },
};
