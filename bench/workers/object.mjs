// A call to a Durable Object for each request.
import { answer } from "./shared.mjs";

export default {
  async fetch(request, env) {
    const reply = await env.OBJECT.getByName("default").fetch("https://object/");
    return answer(request, await reply.json());
  },
};
