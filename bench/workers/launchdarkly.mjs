// LaunchDarkly's SDK for Cloudflare, with KV as its store. One client for the isolate's life, as its reference says; its
// README makes one in each request.
import { init } from "@launchdarkly/cloudflare-server-sdk";
import { keyOf, LAUNCHDARKLY_ID } from "../peers/documents.mjs";
import { countIn } from "./shared.mjs";

const CONTEXT = { kind: "user", key: "bench" };
let client;

export default {
  async fetch(request, env) {
    client ??= init(LAUNCHDARKLY_ID, env.LD_KV);
    await client.waitForInitialization();
    const lookups = countIn(request);
    let width = 0;
    for (let at = 0; at < lookups; at += 1) width += (await client.variation(keyOf(at), CONTEXT, { width: 0 })).width;
    return new Response(String(width));
  },
};
