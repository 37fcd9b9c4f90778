// What a loader is to the rest of the Worker: whichever it is, the Worker stays the same.

import type { Config } from "./config.ts";

export interface Env {
  /** Which of the loaders: `before`, `cached`, `after` or `after-wait`. */
  LOADER: string;
  /** For `before` and `cached`. */
  CONFIG_KV: KVNamespace;
  /** For `after`: the coordinator's object. */
  COORDINATOR: DurableObjectNamespace;
}

export interface Loaded {
  readonly config: Config;
  /** Where it comes from, for the answer to tell. */
  readonly from: string;
}

export type Loader = (env: Env, ctx: ExecutionContext) => Promise<Loaded>;
