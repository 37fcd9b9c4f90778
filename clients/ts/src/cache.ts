// What one isolate holds of one space, and what a read does about it: decisions without I/O. All state is plain data, for
// it outlives the request that brought it.
//
// Times are steady: the machine's clock without its backward steps, so that an age never shrinks. A snapshot is `born`
// when the coordinator's word for it was 0 old.

import type { Options, Wait } from "./options.ts";
import type { Counts, Read, Status } from "./read.ts";
import type { Announcement, Reply } from "./wire.ts";

/** How long to keep a snapshot. */
interface Terms {
  born: number;
  ttl: number;
  swr: number;
  base: boolean;
}

/** A snapshot that is held, or announced and then held. */
interface Snapshot<T> extends Terms {
  version: number;
  /** Announced: nothing while it is not fetched yet, and empty where it did not fit, and is not fetched again. */
  etag?: string | undefined;
  /**
   * Parsed once. In what is held, nothing stands for the Worker's own base, while the coordinator has built-in layers
   * only: those are its own script's, and this Worker's are the ones that fit it.
   */
  value?: T | undefined;
  /** Announced: it is the head from here on at the latest. */
  at?: number;
  /** The reader switched to it by itself, and was told of no other head since. */
  switched?: boolean;
}

/** One call to the coordinator. */
export interface Call {
  /** The announced version to fetch ahead of its moment; nothing asks for the head. */
  ahead?: number;
  /** The validator to ask with. */
  etag?: string | undefined;
  /** Its lease, if it has one: when that ends. */
  lease: number | undefined;
  sent: number;
  /** The minimum version that it is made for, with a token. */
  minimum?: number;
  /** Shares its answer with others, last of all. */
  share?: () => Promise<void>;
  /** How long the read waits for it; nothing leaves it behind the response. */
  wait?: number | undefined;
}

/** An answer with its body, where it has one. */
export interface Answer extends Reply {
  readonly body: string;
  /** What it was parsed into already. */
  readonly value?: unknown;
}

/** The policy fails this read, and asking again would be too soon. */
export const REFUSE = 0;

/** The first pause after a call that failed. It doubles with each failure. */
const PAUSE_FIRST_MS = 250;
/** The longest; a shorter TTL shortens it, so that a reader is back within one TTL of the coordinator's recovery. */
const PAUSE_MAX_MS = 10_000;

/** So many calls in a row may be made for minimum versions, and then one more after each pause. */
const MINIMUM_BURST = 5;
const MINIMUM_PAUSE_MS = 1_000;

/** What names a document. */
type Named = Pick<Snapshot<unknown>, "version" | "etag">;

type Known = Pick<Status, "version" | "heldMs" | "pending" | "counts">;

/** What the colo tier goes by: steady time, when the call was sent whose word holds, and the machine's clock. */
export type Memory = () => [now: number, told: number, clock: number, held: Named | undefined, refused: Named | undefined];

/** What a reader asks its memory; see the functions below. No object: names of members would count among the bytes. */
export type Cache<T> = [
  plan: (atLeast: unknown) => Call | typeof REFUSE | undefined,
  planAhead: () => Call | undefined,
  receive: (call: Call, answer: Answer | undefined) => void,
  fail: (call: Call) => void,
  mayServe: () => boolean,
  look: () => void,
  view: (base: T) => Read<T>,
  known: () => Known,
  memory: Memory,
  counts: Counts,
];

/** Where `coldStart` does not say it. */
const DEFAULT_WAIT_MS = 50;

/**
 * The memory of a reader that holds nothing yet. Its calls end after `deadline`. `parse` runs once per version, and only
 * for one newer than what is held; it gives nothing for a document that does not fit, and the version before stays, whole.
 */
export function createCache<T>(options: Options, deadline: number, parse: (answer: Answer) => T | undefined): Cache<T> {
  const { coldStart = { wait: DEFAULT_WAIT_MS }, onExpired, ttl = Infinity, staleWhileRevalidate = Infinity } = options;
  const coldWait = (coldStart as Wait).wait as number | undefined;
  const failing = onExpired === "error";
  const expiredWait = failing ? (coldWait ?? DEFAULT_WAIT_MS) : (onExpired as Wait | undefined)?.wait;
  let held: Snapshot<T> | undefined;
  /** When that was. */
  let adopted = 0;
  /** A document that did not fit: its ETag is asked with, so that it is not sent again. */
  let refused: Named | undefined;
  /** Above the one held; its terms are of the last answer that announced it. */
  let announced: Snapshot<T> | undefined;
  /** When the call was sent whose word about the time to come holds: what an earlier one says is older. */
  let told = -1;
  /** The machine's clock as last seen, and steady time as of then. */
  let seen = NaN;
  let now = 0;
  /**
   * Single flight is a lease: a promise made in one request must never be awaited in another, which would hang, so
   * requests share the plain fact that one of them asks, and until when. One for the head, and one for what is fetched
   * ahead, so that neither holds up the other.
   */
  const leases = [0, 0];
  let failures = 0;
  let failedAt = 0;
  let pausedUntil = 0;
  /**
   * When the bucket of tokens is full again, one for each call that a minimum version causes: whoever may read could
   * otherwise ask for versions that there will never be, and have the object asked each time.
   */
  let fullAt = 0;
  const counts: Counts = {
    fresh: 0,
    stale: 0,
    expired: 0,
    base: 0,
    refused: 0,
    calls: 0,
    conditionalHits: 0,
    callFailures: 0,
    adoptions: 0,
    ignored: 0,
    rejections: 0,
  };

  /**
   * Decides a read: a call, a refusal, or nothing but what is held. While what is held is below `atLeast`, the read asks
   * and waits, unless paused or out of tokens: then it is one that asks for no minimum, and a cold one waits for no call.
   */
  function plan(atLeast: unknown): Call | typeof REFUSE | undefined {
    look();
    const paused = now < pausedUntil;
    // No number where there is none: that is above nothing.
    const minimum = Number(atLeast);
    const granted = minimum > (held?.version ?? 0) && !paused && (held || coldWait !== undefined) && takeToken();
    if (held && !granted && stateOf(held) === "fresh") return;
    const expired = isExpired();
    const mustWait = expired && failing;
    if (paused) return mustWait ? REFUSE : undefined;
    const wait = granted
      ? (coldWait ?? DEFAULT_WAIT_MS)
      : held
        ? (expired ? expiredWait : undefined)
        : (minimum > 0 ? undefined : coldWait);
    const lease = take(0);
    // Who has nothing to go on with asks for itself, lease or not: none may await a promise of another. So does who wants
    // a minimum: the holder of the lease may have asked before that was there.
    if (!lease && !mustWait && !granted && (held || wait === undefined)) return;
    counts.calls++;
    return { etag: (refused ?? held)?.etag, lease, sent: now, minimum: granted ? minimum : NaN, wait };
  }

  /** The call for an announced document that is not here yet, unless one is under way. */
  function planAhead(): Call | undefined {
    clock();
    const lease = announced && announced.etag === undefined && take(1);
    if (!lease) return;
    counts.calls++;
    return { ahead: announced!.version, lease, sent: now };
  }

  /** Takes an answer. */
  function receive(call: Call, answer: Answer | undefined): void {
    finish(call);
    const { ahead, sent } = call;
    if (!answer) {
      // What was asked for ahead is not scheduled any more, unless a later call was told so.
      if (told <= sent && toldOf(ahead!, sent)) announced = undefined;
      return;
    }
    const { version, etag, pending } = answer;
    // Even where it does not say that it is ahead: the moment is known, and not to be missed.
    if (version === ahead) return prepare(answer, sent);
    const terms: Terms = {
      // The answer was made some time between sending and now; the earliest is the honest one.
      born: sent - answer.age,
      ttl: Math.min(answer.ttl, ttl),
      swr: Math.min(answer.swr, staleWhileRevalidate),
      base: answer.base,
    };
    if (version) takeHead(call, { ...terms, version, etag }, answer);
    else confirm(call, terms, pending);
    hear(pending, terms, sent);
    // One that was reached costs nothing.
    if (held?.version! >= call.minimum!) fullAt -= MINIMUM_PAUSE_MS;
  }

  /** Takes a call's failure. The next one waits; not so after one for what was announced: the head could be had. */
  function fail(call: Call): void {
    finish(call);
    counts.callFailures++;
    if (!call.ahead) pause(call);
  }

  /** Whether the policy lets a read be answered with what is held: what a read asks after it has waited. */
  function mayServe(): boolean {
    look();
    return !(failing && isExpired());
  }

  /** What a read sees that has just looked at the clock; `base` where nothing is held. */
  function view(base: T): Read<T> {
    if (!held?.value) return { value: base, version: null, etag: null, state: "base", ageMs: 0 };
    const { value, version, etag, born } = held;
    return { value, version, etag: etag!, state: held.base ? "base" : stateOf(held), ageMs: now - born };
  }

  /** The version held, what is held beside it for its moment, and what was counted. */
  function known(): Known {
    look();
    return {
      version: held?.version ?? null,
      heldMs: now - adopted,
      pending: announced?.etag ? { version: announced.version, inMs: announced.at! - now } : null,
      counts: { ...counts },
    };
  }

  function memory(): ReturnType<Memory> {
    clock();
    return [now, told, seen, held, refused];
  }

  function clock(): void {
    const before = seen;
    seen = Date.now();
    if (seen > before) now += seen - before;
  }

  /** Looks at the clock, and makes the switch that is due by then. */
  function look(): void {
    clock();
    if (announced?.etag && now >= announced.at!) {
      const before = held;
      adopt({ ...announced, base: false, switched: true });
      // Nobody was asked: the age goes on from the last word, for what was held or to announce this.
      if (before) renew(before);
    }
  }

  /** Each bound belongs to the older state. */
  function stateOf({ born, ttl, swr }: Terms): "fresh" | "stale" | "expired" {
    const age = now - born;
    return age < ttl ? "fresh" : age < ttl + swr ? "stale" : "expired";
  }

  /** Built-in layers do not expire: a policy that fails such reads must not fail these, for the base is served then. */
  function isExpired(): boolean {
    return !!held && !held.base && stateOf(held) === "expired";
  }

  /** A token for a minimum version, if there is one. */
  function takeToken(): number {
    const full = Math.max(fullAt, now) + MINIMUM_PAUSE_MS;
    return full - now > MINIMUM_BURST * MINIMUM_PAUSE_MS ? 0 : (fullAt = full);
  }

  /** The lease, unless somebody has it. That of a holder who was cut off ends by itself. */
  function take(which: 0 | 1): number {
    return leases[which]! > now ? 0 : (leases[which] = now + deadline);
  }

  function finish({ ahead, lease }: Call): void {
    const which = ahead ? 1 : 0;
    // A lease that was taken over meanwhile ends later.
    if (leases[which] === lease) leases[which] = 0;
    clock();
  }

  /** The next call waits, twice as long as the last time. Calls that were out together meet one trouble. */
  function pause({ sent }: Call): void {
    if (failures && sent <= failedAt) return;
    failedAt = now;
    pausedUntil = now + Math.min(PAUSE_FIRST_MS * 2 ** failures++, PAUSE_MAX_MS, held?.ttl ?? PAUSE_MAX_MS);
  }

  /** The one place where something is held. */
  function adopt(next: Snapshot<T>): void {
    held = next;
    adopted = now;
    counts.adoptions++;
    refused = undefined;
    if (announced?.version! <= next.version) announced = undefined;
  }

  /**
   * Takes terms, unless a reordered answer brought younger ones before. What has a value is no base, whatever the head is
   * of which they told.
   */
  function renew({ born, ttl, swr }: Terms): void {
    if (born >= held!.born) held = { ...held!, born, ttl, swr };
  }

  /** An answer vouches for what is held. */
  function vouch(terms: Terms): void {
    renew(terms);
    failures = pausedUntil = 0;
  }

  /**
   * Whether an answer announces what is held already: the coordinator's clock is a little behind, or the answer was under
   * way at the switch. It vouches for what is held, as it would have done had it come just before the switch.
   */
  function isAnnounced(pending: Announcement | undefined): boolean {
    return pending?.version === held!.version;
  }

  /** A head with its document. */
  function takeHead(call: Call, head: Snapshot<T>, answer: Answer): void {
    if (held && head.version <= held.version) {
      if (head.version === held.version || isAnnounced(answer.pending)) return vouch(head);
      counts.ignored++;
      // It answers, and no clock is quite another's: it may only be a little behind.
      if (held.switched) failures = 0;
      held.switched = false;
      // Reordered, or the space's storage was wound back: either way there is nothing to be had by asking again at once.
      return pause(call);
    }
    const ready = announced?.version === head.version ? announced.value : undefined;
    head.value = ready ?? (head.base ? undefined : parse(answer));
    if (head.base || head.value) {
      adopt(head);
      vouch(head);
    } else {
      refused = head;
      pausedUntil = now + head.ttl;
    }
  }

  /**
   * A 304 confirms exactly the validator that was asked with: if another answer brought something newer meanwhile, or if
   * it belongs to a refused document, it confirms nothing that is served. But for what it announces.
   */
  function confirm({ etag }: Call, terms: Terms, pending: Announcement | undefined): void {
    counts.conditionalHits++;
    if (etag && etag === refused?.etag) pausedUntil = now + terms.ttl;
    else if (held && (etag === held.etag || isAnnounced(pending))) vouch(terms);
    else counts.ignored++;
  }

  /** Takes what an answer about the head says of the time to come. The call that was sent last has the word. */
  function hear(pending: Announcement | undefined, terms: Terms, sent: number): void {
    const news = held?.version! >= pending?.version! ? undefined : pending;
    const newest = told <= sent;
    if (newest) told = sent;
    if (announced && announced.version === news?.version) {
      bound(news);
      if (newest) announced = { ...announced, ...terms };
    } else if (newest) {
      announced = news && { ...terms, version: news.version, at: now + news.in };
    }
  }

  /** The moment is no later than any answer has it, in whatever order they arrive. */
  function bound(news: Announcement): void {
    announced!.at = Math.min(announced!.at!, now + news.in);
  }

  /** What is announced, if it is that version. A call that was sent then spoke of it. */
  function toldOf(version: number, sent: number): Snapshot<T> | undefined {
    if (announced?.version !== version) return;
    told = Math.max(told, sent);
    return announced;
  }

  /** The document asked for ahead. If it is the head already, the moment is about to come. */
  function prepare(answer: Answer, sent: number): void {
    const { version, etag, pending } = answer;
    const coming = toldOf(version, sent);
    if (!coming) {
      counts.ignored++;
      return;
    }
    if (pending?.version === version) bound(pending);
    if (coming.etag !== undefined) return;
    coming.value = parse(answer);
    coming.etag = coming.value ? etag : "";
  }

  return [plan, planAhead, receive, fail, mayServe, look, view, known, memory, counts];
}
