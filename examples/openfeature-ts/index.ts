// A Worker that asks its flags by OpenFeature, over the reader that keeps them in the isolate's memory.

import { provider } from "@bellwether/openfeature";
import { createReader, type Env, type Namespace } from "@bellwether/reader";
import { OpenFeature } from "@openfeature/server-sdk";

const config = createReader({
  binding: (env: Env) => env.COORDINATOR as Namespace,
  base: { banner: { shown: false, text: "" } },
});
OpenFeature.setProvider(provider(config));
const flags = OpenFeature.getClient();

export default {
  async fetch(_request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    // Once in a request, with what OpenFeature does not hand on: it is this that asks the coordinator, where it has to.
    await config.read(env, ctx);
    const shown = await flags.getBooleanDetails("banner.shown", false);
    const text = await flags.getStringValue("banner.text", "");
    return Response.json({ banner: shown.value ? text : null, reason: shown.reason, ...shown.flagMetadata });
  },
};
