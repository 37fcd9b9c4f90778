// Before: the loader that people write. Each request waits for KV, and has KV's trouble.

import type { Config } from "./config.ts";
import type { Loader } from "./loader.ts";

export const before: Loader = async (env) => {
  const config = await env.CONFIG_KV.get<Config>("config", "json");
  if (!config) throw new Error("there is no configuration in KV");
  return { config, from: "KV" };
};
