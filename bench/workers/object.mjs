// A call to a Durable Object for each request.
import { answer } from "./shared.mjs";

export class Holder {
  constructor(state, env) {
    this.text = JSON.stringify(env.CONFIG);
  }

  fetch() {
    return new Response(this.text);
  }
}

export default {
  async fetch(request, env) {
    const reply = await env.HOLDER.getByName("default").fetch("https://holder/");
    return answer(request, await reply.json());
  },
};
