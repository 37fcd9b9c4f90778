// After: the same interface over Bellwether's reader. No request waits for KV, or has its trouble.

import { createReader, type Wait } from "@bellwether/reader";
import { schema } from "@bellwether/reader/schema";

import base from "../video-base.json";
import { Config } from "./config.ts";
import type { Loader } from "./loader.ts";

function following(coldStart: "base" | Wait): Loader {
  const reader = createReader({ binding: "COORDINATOR", base, validate: schema(Config), coldStart });
  return async (env, ctx) => {
    const { value, version, state } = await reader.read(env, ctx);
    return { config: value, from: `Bellwether, version ${version ?? "none"}, ${state}` };
  };
}

/** Never waits: an isolate's first requests are answered with the built-in configuration. */
export const after = following("base");

/** The first requests wait for the coordinator, 50 ms at most. */
export const afterWait = following({ wait: 50 });
