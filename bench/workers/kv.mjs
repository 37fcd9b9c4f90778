// A KV read for each request.
import { answer } from "./shared.mjs";

export default {
  async fetch(request, env) {
    return answer(request, await env.CONFIG_KV.get("config", "json"));
  },
};
