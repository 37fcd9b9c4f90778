// What a reader and its colo tier are to each other.

import type { Answer, Call, Memory } from "./cache.ts";
import type { Validate } from "./check.ts";
import type { Env, Options } from "./options.ts";

/** Makes a call, within its deadline. What it throws is for the log. */
export type Ask = (env: Env, call: Call) => Promise<Answer | undefined>;

/** What is asked in the coordinator's stead, and asks it where it must. */
export type Tier = (
  ask: Ask,
  options: Options & { validate?: Validate | undefined },
  deadline: number,
  memory: Memory,
  log: (event: string, detail: string) => void,
) => Ask;
