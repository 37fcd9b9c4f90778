// The headers of an answer, of which none is trusted.

/** What becomes the head next. The time counts from the answer that tells it: no other machine's clock is trusted. */
export interface Announcement {
  readonly version: number;
  readonly in: number;
}

/** One answer about a snapshot. */
export interface Reply {
  /** How old it is, and how long to keep it, in milliseconds. */
  readonly age: number;
  readonly ttl: number;
  readonly swr: number;
  /** The head holds built-in layers only: nothing came from a source yet. */
  readonly base: boolean;
  readonly pending: Announcement | undefined;
  /** 0 where the answer is 304. */
  readonly version: number;
  readonly etag: string | undefined;
}

/** Reads status and headers; throws one line for the log. Nothing: what was asked for ahead is not scheduled. */
export function parseReply(ahead: unknown, { status, headers }: Response): Reply | undefined {
  const header = (name: string) => headers.get(name);
  if (ahead && status === 404) return;
  const modified = status === 200;
  if (!modified && status !== 304) throw Error(`the coordinator answered ${status}`);
  const terms = members(header("bellwether-freshness"));
  const [age, ttl, swr] = [terms.age_ms, terms.ttl_ms, terms.swr_ms].map(toNumber) as [number, number, number];
  const version = modified ? toNumber(header("bellwether-version")) : 0;
  const etag = /^(?:W\/)?("[^"]+")$/.exec(header("etag")!)?.[1];
  if (isNaN(age + ttl + swr) || (modified && !(etag && isVersion(version)))) throw Error("its headers cannot be read");
  const told = members(header("bellwether-pending"));
  const pending = { version: toNumber(told.version), in: toNumber(told.in_ms) };
  // An announcement that is not understood counts as none: nothing is switched to in error.
  const coming = isVersion(pending.version) && pending.in >= 0 && pending.version >= version;
  return { age, ttl, swr, base: terms.base === "?1", pending: coming ? pending : undefined, version, etag };
}

/** A structured-field dictionary: parameters and spaces skipped, the last of two equals counts. */
function members(header: string | null): Record<string, string | undefined> {
  const found: Record<string, string> = {};
  // Without strings: one may hold a comma.
  for (const member of (header ?? "").replace(/"(\\.|[^"\\])*"?/g, '"').split(",")) {
    const [name, ...value] = member.split(";")[0]!.split("=");
    found[name!.trim()] = value.length ? value.join("=").trim() : "?1";
  }
  return found;
}

/** Not a number unless it is one in digits. */
export function toNumber(digits: string | null | undefined): number {
  return /^\d+$/.test(digits!) ? +digits! : NaN;
}

function isVersion(number: number): boolean {
  return number > 0 && number < 2 ** 53;
}
