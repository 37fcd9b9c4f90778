// What a reader gives: reads, and how it does.

/** How a read stands to the TTL: younger; older but within stale-while-revalidate; past that; nothing received yet. */
export type ReadState = "fresh" | "stale" | "expired" | "base";

/** What a read gives. */
export interface Read<T> {
  /** The configuration, shared with every other read of this version: never change it. */
  readonly value: T;
  /** The version; `null` for the Worker's own base. */
  readonly version: number | null;
  /** The snapshot's validator; `null` with the version. */
  readonly etag: string | null;
  readonly state: ReadState;
  /** Milliseconds since the coordinator vouched for it; 0 for the base. */
  readonly ageMs: number;
}

/** What is scheduled to become the head, and when. */
export interface Pending {
  readonly version: number;
  readonly inMs: number;
}

/** Why a document was refused. Never holds a value of it. */
export interface Rejection {
  readonly version: number;
  /** RFC 6901 pointer to what did not fit. */
  readonly pointer: string;
  readonly message: string;
}

/** Counts since the isolate began. They are this isolate's, never the fleet's. */
export interface Counts {
  /** Reads by the state they answered with. */
  fresh: number;
  stale: number;
  expired: number;
  base: number;
  /** Reads that failed under `onExpired: "error"`. */
  refused: number;
  /** Calls made to the coordinator. */
  calls: number;
  /** Calls answered with 304. */
  conditionalHits: number;
  /** Calls that failed or passed their deadline. */
  callFailures: number;
  /** Versions adopted. */
  adoptions: number;
  /** Answers dropped because a newer version was held already. */
  ignored: number;
  /** Documents that did not fit. */
  rejections: number;
}

/** How this isolate's reader does. */
export interface Status {
  /** The version held. */
  readonly version: number | null;
  /** For how long; since the first read where there is none. */
  readonly heldMs: number;
  /** The version held for its moment, which comes by itself. */
  readonly pending: Pending | null;
  readonly counts: Counts;
  /** Why the last document that did not fit was refused; `null` once a newer one is held. */
  readonly lastRejection: Rejection | null;
  /** Why the last call failed; `null` once one works. */
  readonly lastFailure: string | null;
}
