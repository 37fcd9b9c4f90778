// An OpenFeature provider over what a reader holds. See README.md beside this package.

import type { Read, Reader } from "@bellwether/reader";
import type { ErrorCode, JsonValue, Provider, ResolutionDetails } from "@openfeature/server-sdk";

/**
 * Flags are members of the reader's configuration: `video.max_width`, or a JSON Pointer (RFC 6901), `/video/max_width`,
 * where a name has a dot in it.
 *
 * It evaluates what the reader holds, and makes no call: whoever serves a request reads first, once, with the request's
 * `env` and `ctx`, which OpenFeature does not hand on.
 */
export function provider(reader: Pick<Reader<unknown>, "peek">): Provider {
  const resolve =
    <T extends JsonValue>(isOne: (found: unknown) => boolean, expected: string) =>
    async <D extends T>(key: string, byDefault: D): Promise<ResolutionDetails<D>> =>
      resolved(reader.peek(), key, byDefault, isOne, expected);
  return {
    metadata: { name: "bellwether" },
    runsOn: "server",
    resolveBooleanEvaluation: resolve<boolean>((found) => typeof found === "boolean", "a boolean"),
    resolveStringEvaluation: resolve<string>((found) => typeof found === "string", "a string"),
    resolveNumberEvaluation: resolve<number>((found) => typeof found === "number", "a number"),
    resolveObjectEvaluation: resolve<JsonValue>((found) => typeof found === "object" && found !== null, "an object or an array"),
  };
}

function resolved<T>(read: Read<unknown>, key: string, byDefault: T, isOne: (found: unknown) => boolean, expected: string): ResolutionDetails<T> {
  const { value, version, state, ageMs } = read;
  const flagMetadata = { state, age_ms: ageMs, ...(version === null ? {} : { version }) };
  const failed = (errorCode: `${ErrorCode}`, errorMessage: string) => ({
    value: byDefault,
    reason: "ERROR",
    errorCode: errorCode as ErrorCode,
    errorMessage,
    flagMetadata,
  });
  const names = namesIn(key);
  if (!names) return failed("PARSE_ERROR", `expected a path such as "video.max_width", or a JSON Pointer`);
  let found = value;
  for (const name of names) found = member(found, name);
  if (found === undefined) return failed("FLAG_NOT_FOUND", `the configuration has no such member`);
  // Without the value, which may be a secret.
  if (!isOne(found)) return failed("TYPE_MISMATCH", `found ${kindOf(found)}, expected ${expected}`);
  return { value: found as T, reason: REASONS[state], flagMetadata };
}

/** In OpenFeature's words. What is built into the Worker is what one falls back to. */
const REASONS = { fresh: "STATIC", stale: "STALE", expired: "STALE", base: "DEFAULT" };

function namesIn(key: string): string[] | undefined {
  if (key === "") return undefined;
  if (!key.startsWith("/")) return key.split(".");
  if (/~(?![01])/.test(key)) return undefined;
  const names = key.slice(1).split("/");
  return names.map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function member(found: unknown, name: string): unknown {
  if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
  if (Array.isArray(found) && !/^(0|[1-9]\d*)$/.test(name)) return undefined;
  return (found as Record<string, unknown>)[name];
}

function kindOf(found: unknown): string {
  if (found === null) return "null";
  if (Array.isArray(found)) return "an array";
  return typeof found === "object" ? "an object" : `a ${typeof found}`;
}
