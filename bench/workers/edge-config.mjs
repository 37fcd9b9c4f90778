// Vercel's SDK against a local endpoint: an item at a time, or, with `ALL`, all that a request needs in one call.
import { createClient } from "@vercel/edge-config";
import { keyOf } from "../peers/documents.mjs";
import { countIn } from "./shared.mjs";

let client;

export default {
  async fetch(request, env) {
    client ??= createClient(env.EDGE_CONFIG);
    const keys = Array.from({ length: countIn(request) }, (_, at) => keyOf(at));
    let width = 0;
    if (env.ALL) for (const item of Object.values(await client.getAll(keys))) width += item.width;
    else for (const key of keys) width += (await client.get(key)).width;
    return new Response(String(width));
  },
};
