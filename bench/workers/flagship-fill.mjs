// Fills Flagship's local store, by what wrangler itself does that with.
export default {
  async fetch(request, env) {
    const admin = await env.FLAGS["FlagshipBinding::admin_api"]();
    await admin.putFlags(await request.json(), "local");
    return new Response("filled");
  },
};
