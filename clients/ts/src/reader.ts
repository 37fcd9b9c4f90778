// One isolate's reader of one space: plan, call, wait no longer than the deadline, take the answer.

import { type Answer, type Call, createCache, REFUSE } from "./cache.ts";
import { checked, type Validate } from "./check.ts";
import { ExpiredError } from "./expired.ts";
import type { BaseOf, Context, Env, Options, Reader } from "./options.ts";
import type { Read, Rejection, Status } from "./read.ts";
import { ask } from "./transport.ts";
import { LATE, within } from "./within.ts";

/** The platform cancels what a `waitUntil` runs after 30 s. */
const DEADLINE_MAX_MS = 25_000;

/** A reader of whole documents: as `validate` gives them, or unchecked, as the type `T` that you vouch for. */
export function createReader<T extends object>(options: Options & BaseOf<T>): Reader<T>;
export function createReader(options: Options & { base: object; validate?: Validate | undefined }): Reader<any> {
  const { space = "default", validate } = options;
  // At least 1: a lease that ends as it begins is none.
  const deadline = Math.min(Math.max(options.deadline ?? 5_000, 1), DEADLINE_MAX_MS);
  // Plain data only: what belongs to a request must not be used in another.
  const [plan, planAhead, receive, fail, mayServe, look, view, known, memory, counts] = createCache<any>(
    options,
    deadline,
    parse,
  );
  const [base, pointer, why] = checked(validate, options.base);
  let lastRejection: Rejection | null = null;
  let lastFailure: string | null = null;
  // A mistake in the Worker's own code, which the platform shows where it is deployed.
  if (why) throw TypeError(`base: ${pointer}: ${why}`);
  if (!/^[a-z\d][a-z\d_-]{0,63}$/.test(space)) throw TypeError("space: no name");

  function read(env: Env, ctx: Context, atLeast?: unknown): Read<any> | Promise<Read<any>> {
    const call = plan(atLeast);
    if (call === undefined) return answer();
    if (call === REFUSE) throw refusal();
    // Before the call, which reports it.
    const read = call.wait === undefined && answer();
    const called = perform(env, call);
    // Whoever waits, waits for the first call only.
    ctx.waitUntil(called.then((answered): unknown => answered && performAhead(env, call)));
    return read || answerAfter(called, call.wait!);
  }

  async function answerAfter(called: Promise<unknown>, wait: number): Promise<Read<any>> {
    // A timer takes as long as all that is decided here, and a call without a look into the cache has its own.
    await (wait < deadline || options.colo ? within(called, wait) : called);
    if (!mayServe()) throw refusal();
    return answer();
  }

  function answer(): Read<any> {
    // The clock was looked at a moment ago: it is what costs most in a warm read.
    const read = view(base);
    counts[read.state]++;
    return read;
  }

  function refusal(): ExpiredError {
    counts.refused++;
    return new ExpiredError("configuration expired");
  }

  function peek(): Read<any> {
    look();
    return view(base);
  }

  function parse({ version, body, value: parsed }: Answer): unknown {
    if (parsed) return parsed;
    const [value, pointer, message] = checked(validate, body);
    if (message) {
      counts.rejections++;
      lastRejection = { version: version!, pointer, message };
      log("reader_rejected", `${pointer}: ${message}`);
    }
    return value;
  }

  /** Fetches what a call's answer announced, ahead of its moment; then shares the answer. */
  async function performAhead(env: Env, { share }: Call): Promise<void> {
    const call = planAhead();
    if (call) await perform(env, call);
    await share?.();
  }

  /**
   * Makes one call, and tells whether it was answered. It has a deadline of its own, below the 30 s that the platform
   * gives a `waitUntil`; one that is cut off all the same is lost, and its lease taken over.
   */
  async function perform(env: Env, call: Call): Promise<boolean> {
    try {
      receive(call, await askFirst(env, call));
      lastFailure = null;
      return true;
    } catch (error) {
      fail(call);
      lastFailure = String(error);
      log(call.ahead ? "reader_pending_failed" : "reader_call_failed", lastFailure);
      return false;
    }
  }

  async function askInTime(env: Env, call: Call): Promise<Answer | undefined> {
    const answer = await within(ask(options, env, call, deadline, status), deadline);
    if (answer === LATE) throw Error(`no answer within ${deadline} ms`);
    return answer;
  }

  function status(): Status {
    const now = known();
    // A newer one that fits ends a rejection.
    if (lastRejection && now.version! >= lastRejection.version) lastRejection = null;
    return { ...now, lastRejection, lastFailure };
  }

  function log(event: string, detail: string): void {
    console.warn(JSON.stringify({ level: "warn", event, space, detail }));
  }

  const askFirst = options.colo?.(askInTime, options, deadline, memory, log) ?? askInTime;
  return { read, peek, status };
}
