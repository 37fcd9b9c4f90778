// A Worker that resizes videos; here it tells which transformation it would make. What it does by which request stands in
// its configuration, and how that is loaded, in one of three small files.

import { after, afterWait } from "./after.ts";
import { before } from "./before.ts";
import { cached } from "./cached.ts";
import { decide } from "./decide.ts";
import type { Env, Loader } from "./loader.ts";

const LOADERS: Record<string, Loader> = { before, cached, after, "after-wait": afterWait };

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const load = LOADERS[env.LOADER] ?? after;
    const { config, from } = await load(env, ctx);
    const decision = decide(config, new URL(request.url));
    if ("error" in decision) {
      const { status, error } = decision;
      return Response.json({ error, config: from }, { status, headers: { "Cache-Control": "no-store" } });
    }
    const { cacheControl, ...made } = decision;
    // A Worker of yours fetches the transformation here.
    return Response.json({ ...made, config: from }, { headers: { "Cache-Control": cacheControl } });
  },
};
