// How a Worker reads, as its code says it, and what is made of that.

import type { Validate } from "./check.ts";
import type { Read, Status } from "./read.ts";
import type { Tier } from "./tier.ts";

/** The Worker's environment: its bindings, vars and secrets. */
export type Env = any;

/** The part of a request's `ExecutionContext` that a read needs. */
export interface Context {
  waitUntil(promise: Promise<unknown>): void;
}

/** The part of a `DurableObjectNamespace` that a read needs. */
export interface Namespace {
  idFromName(name: string): any;
  getByName(name: string): Service;
}

/** The part of a service binding that a read needs. */
export interface Service {
  fetch(input: string, init?: any): Promise<any>;
}

/** A binding's or a secret's name, or a function that gives what it names. */
export type Named<V> = string | ((env: Env) => V);

/** How the coordinator is reached: one of three ways. */
export type Transport =
  /** The object's binding; its `script_name` may name another script. */
  | { binding: Named<Namespace>; service?: never; url?: never; token?: never }
  /** A service binding to the coordinator's Worker, and the secret that holds a token with scope `read`. */
  | { service: Named<Service>; binding?: never; url?: never; token: Named<string>; colo?: never }
  /** Where the routes of the coordinator's Worker begin, and the same secret. */
  | { url: string; binding?: never; service?: never; token: Named<string> };

/** To wait for the coordinator, at most so many milliseconds. */
export interface Wait {
  wait: number;
}

/** How a Worker reads. All times are in milliseconds. */
export type Options = Transport & {
  /** The space; `default` where none is named. */
  space?: string;
  /** The longest that a snapshot is taken for fresh. The coordinator says how long; this can only shorten it. */
  ttl?: number;
  /** The longest that it is served past that while a newer one is fetched. This too can only shorten it. */
  staleWhileRevalidate?: number;
  /** What a read does when nothing was received yet: answer from the base, or wait first (50 ms, the default). */
  coldStart?: "base" | Wait;
  /** What a read does when the snapshot is expired: serve it (the default), wait for a newer one first, or fail. */
  onExpired?: "serve" | "error" | Wait;
  /** Deadline of each call to the coordinator: 5 s where none is given, 25 s at most. */
  deadline?: number;
  /** Shares what it is told with the data centre's isolates: `colo()` of `@bellwether/reader/colo`. Not with `service`. */
  colo?: Tier;
  /** What the reader tells the coordinator of itself when it asks again: `report()` of `@bellwether/reader/report`. */
  report?: (status: Status) => string;
};

/** The configuration built into the Worker, served until something better is there, and what checks documents. */
export type BaseOf<T> = { base: T; validate?: undefined } | { base: object; validate: Validate<T> };

/** Keeps one space's configuration in an isolate. Make it once, outside of any request. */
export interface Reader<T> {
  /**
   * The configuration. What is held is given as it is, with no promise in between; a promise comes only where the
   * policy waits for the coordinator. `await` takes both. It throws, or rejects with, `ExpiredError` under
   * `onExpired: "error"`, and nothing else.
   *
   * At version `atLeast` or newer, if the coordinator has it within the deadline of `coldStart`: a number, or what the
   * header `Bellwether-Min-Version` says. Calls for that are bounded; a read that may make none is like any other.
   */
  read(env: Env, ctx: Context, atLeast?: number | string | null): Read<T> | Promise<Read<T>>;
  /** What is held now, without a call and without counting as a read. */
  peek(): Read<T>;
  /** How this isolate's reader does. */
  status(): Status;
}
