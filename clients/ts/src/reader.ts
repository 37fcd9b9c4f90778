// One isolate's reader of one space: plan, call, wait no longer than the deadline, take the answer.

import { type Answer, type Call, createCache, REFUSE } from "./cache.ts";
import { checked, type Validate } from "./check.ts";
import { ExpiredError } from "./expired.ts";
import type { BaseOf, Context, Env, Options, Reader } from "./options.ts";
import type { Read, Rejection, Status } from "./read.ts";
import { ask } from "./transport.ts";

/** The platform cancels what a `waitUntil` runs after 30 s. */
const DEADLINE_MAX_MS = 25_000;

/** A reader of whole documents: as `validate` gives them, or unchecked, as the type `T` that you vouch for. */
export function createReader<T extends object>(options: Options & BaseOf<T>): Reader<T>;
export function createReader(options: Options & { base: object; validate?: Validate | undefined }): Reader<any> {
  const { space = "default", validate } = options;
  // At least 1: a lease that ends as it begins is none.
  const deadline = Math.min(Math.max(options.deadline ?? 5_000, 1), DEADLINE_MAX_MS);
  // Plain data only: what belongs to a request must not be used in another.
  const cache = createCache<any>(options, deadline, parse);
  const [base, pointer, why] = checked(validate, options.base);
  let lastRejection: Rejection | null = null;
  let lastFailure: string | null = null;
  // A mistake in the Worker's own code, which the platform shows where it is deployed.
  if (why) throw TypeError(`base: ${pointer}: ${why}`);
  if (!/^[a-z0-9][a-z0-9_-]{0,63}$/.test(space)) throw TypeError("space: no name");

  function read(env: Env, ctx: Context, atLeast?: unknown): Read<any> | Promise<Read<any>> {
    const call = cache.plan(atLeast);
    if (call === undefined) return answer();
    if (call === REFUSE) throw refusal();
    // Before the call, which reports it.
    const read = call.wait === undefined && answer();
    const called = perform(env, call);
    // Whoever waits, waits for the first call only.
    ctx.waitUntil(called.then((answered) => (answered ? performAhead(env) : undefined)));
    return read || answerAfter(called, call.wait!);
  }

  async function answerAfter(called: Promise<unknown>, wait: number): Promise<Read<any>> {
    await within(called, wait);
    if (!cache.mayServe()) throw refusal();
    return answer();
  }

  function answer(): Read<any> {
    // The clock was looked at a moment ago: it is what costs most in a warm read.
    const read = cache.view(base);
    cache.counts[read.state]++;
    return read;
  }

  function refusal(): ExpiredError {
    cache.counts.refused++;
    return new ExpiredError("configuration expired");
  }

  function peek(): Read<any> {
    cache.look();
    return cache.view(base);
  }

  function parse({ version, body }: Answer): unknown {
    const [value, pointer, message] = checked(validate, body);
    if (message) {
      cache.counts.rejections++;
      lastRejection = { version: version!, pointer, message };
      log("reader_rejected", `${pointer}: ${message}`);
    }
    return value;
  }

  /** Fetches what an answer announced, ahead of its moment. */
  async function performAhead(env: Env): Promise<void> {
    const call = cache.planAhead();
    if (call) await perform(env, call);
  }

  /**
   * Makes one call, and tells whether it was answered. It has a deadline of its own, below the 30 s that the platform
   * gives a `waitUntil`; one that is cut off all the same is lost, and its lease taken over.
   */
  async function perform(env: Env, call: Call): Promise<boolean> {
    try {
      const answer = await within(ask(options, env, call, deadline, call.etag && options.report?.(status())), deadline);
      if (answer === LATE) throw Error(`no answer within ${deadline} ms`);
      cache.receive(call, answer);
      lastFailure = null;
      return true;
    } catch (error) {
      cache.fail(call);
      lastFailure = String(error);
      log(call.ahead ? "reader_pending_failed" : "reader_call_failed", lastFailure);
      return false;
    }
  }

  function status(): Status {
    const known = cache.known();
    // A newer one that fits ends a rejection.
    if (lastRejection && known.version! >= lastRejection.version) lastRejection = null;
    return { ...known, lastRejection, lastFailure };
  }

  function log(event: string, detail: string): void {
    console.warn(JSON.stringify({ level: "warn", event, space, detail }));
  }

  return { read, peek, status };
}

const LATE = 0;

/** What was promised, or that it takes longer. The timer is left to itself: it holds nothing up, and ends soon. */
function within<V>(promised: Promise<V>, ms: number): Promise<V | typeof LATE> {
  return Promise.race([promised, new Promise<typeof LATE>((resolve) => setTimeout(resolve, ms, LATE))]);
}
