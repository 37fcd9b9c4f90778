// The hand-made cache that people put over KV: the isolate's memory, for a while. Whoever finds it old, waits.
import { answer } from "./shared.mjs";

const TTL_MS = 30_000;
let held = null;
let until = 0;

export default {
  async fetch(request, env) {
    if (Date.now() >= until) {
      held = await env.CONFIG_KV.get("config", "json");
      until = Date.now() + TTL_MS;
    }
    return answer(request, held);
  },
};
