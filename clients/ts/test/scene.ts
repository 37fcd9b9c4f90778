// One isolate with the real reader, in simulated time, moved on step by step, as tests/readers/scene.rs does it.

import type { Colo } from "../src/colo.ts";
import type { Options, Read, Reader } from "../src/index.ts";
import { fits } from "./fit.ts";

type Json = any;

/** A vector's reader, spelled as in the settings var. */
interface Settings {
  colo_cache?: boolean;
  cold_start?: string | { wait: string };
  on_expired?: string | { wait: string };
  revalidate_timeout?: string;
}

interface Timer {
  at: number;
  owner: number;
  run: () => void;
}

interface OpenCall {
  owner: number;
  resolve: (response: unknown) => void;
  reject: (error: Error) => void;
}

/** The source, or what is built from it. */
const entry = process.env.READER_MODULE ?? "../src/index.ts";
const { createReader }: typeof import("../src/index.ts") = await import(entry);
const { colo }: typeof import("../src/colo.ts") = await import(entry.replace("index", "colo"));
const { report }: typeof import("../src/report.ts") = await import(entry.replace("index", "report"));

const real = { setTimeout, now: Date.now, random: Math.random, warn: console.warn };

export class Scene {
  elapsed = 0;
  offset = 1_000_000;
  readonly reader: Reader<Json>;
  /** Whose doing it is that goes on now: the read that began it. */
  #owner = 0;
  #timers: Timer[] = [];
  readonly #colo: Colo | undefined;
  #cache = "works";
  readonly #shelf = new Map<string, { since: number; text: string }>();
  readonly #calls = new Map<number, OpenCall>();
  #lastCall = 0;
  #came: Json[] = [];

  constructor(settings: Settings = {}, options: Partial<Options> = {}) {
    this.takeOver();
    this.#colo = settings.colo_cache ? colo() : undefined;
    this.reader = createReader<Json>({
      binding: () => this.#namespace(),
      base: { base: true },
      validate: fits,
      report: report(),
      ...(this.#colo && { colo: this.#colo }),
      ...policy(settings),
      ...options,
    } as Options & { base: object; validate: typeof fits });
  }

  /** The clock and the timers of this process are this scene's from here on. */
  takeOver(): void {
    Date.now = () => Math.max(0, this.elapsed + this.offset);
    globalThis.setTimeout = ((run: (argument: unknown) => void, ms: number, argument: unknown) => {
      this.#timers.push({ at: this.elapsed + ms, owner: this.#owner, run: () => run(argument) });
    }) as never;
    Math.random = () => 0;
    (globalThis as any).caches = { default: { match: (key: string) => this.#look(key), put: (key: string, put: Response) => this.#put(key, put) } };
    console.warn = (line: string) => {
      const { event } = JSON.parse(line);
      if (event === "colo_cache_off") this.#came.push({ log: event });
    };
  }

  static giveBack(): void {
    globalThis.setTimeout = real.setTimeout;
    Date.now = real.now;
    Math.random = real.random;
    console.warn = real.warn;
  }

  /** Takes one step, to its end; gives what came of it: calls made and reads answered. */
  async step(step: Json): Promise<Json[]> {
    const [what, argument] = Object.entries<Json>(step)[0]!;
    if (what === "read") this.read(argument, step.at_least);
    else if (what === "peek") this.#came.push({ peek: seen(this.reader.peek()) });
    else if (what === "status") this.#came.push(this.#status());
    else if (what === "pass") await this.#pass(argument);
    else if (what === "clock") this.offset += argument;
    else if (what === "answer") this.#take(argument).resolve(response(step));
    else if (what === "fail") this.#take(argument).reject(new Error("cannot be reached"));
    else if (what === "cut") this.#cut(argument);
    else if (what === "cache") this.#cache = argument;
    else if (what === "shelve") this.#shelve(argument, step.text);
    else throw new Error(`no step: ${what}`);
    await settled();
    const came = this.#came;
    this.#came = [];
    // Calls first: in which order things of one moment are told says nothing.
    const kind = (it: Json) => ["call", "look", "put", "log"].findIndex((kind) => kind in it) >>> 0;
    return came.sort((a, b) => kind(a) - kind(b));
  }

  read(number: number, atLeast?: number | string): void {
    this.#owner = this.#lastCall * 1000 + number + 1;
    const failed = () => this.#came.push({ error: "expired", read: number });
    const tell = (read: Read<Json>) => this.#came.push({ ...seen(read), read: number });
    try {
      const read = this.reader.read({}, { waitUntil: (task) => void task }, atLeast);
      if (read instanceof Promise) read.then(tell, failed);
      else tell(read);
    } catch {
      failed();
    }
  }

  async #pass(ms: number): Promise<void> {
    const until = this.elapsed + ms;
    for (;;) {
      const next = Math.min(...this.#timers.map((timer) => timer.at));
      if (next > until) break;
      this.elapsed = next;
      const due = this.#timers.filter((timer) => timer.at <= next);
      this.#timers = this.#timers.filter((timer) => timer.at > next);
      for (const timer of due) {
        this.#owner = timer.owner;
        timer.run();
        // What it goes on to do is its owner's.
        await settled();
      }
    }
    this.elapsed = until;
  }

  /** The platform drops the request that made this call, and all that it left behind. */
  #cut(number: number): void {
    const { owner } = this.#take(number);
    this.#timers = this.#timers.filter((timer) => timer.owner !== owner);
    for (const [other, call] of this.#calls) if (call.owner === owner) this.#calls.delete(other);
  }

  #take(number: number): OpenCall {
    const call = this.#calls.get(number);
    if (!call) throw new Error(`call ${number} is not open`);
    this.#calls.delete(number);
    this.#owner = call.owner;
    return call;
  }

  #namespace() {
    const fetch = (url: string, { headers }: { headers: Record<string, string> }) => {
      const [number, owner] = [++this.#lastCall, this.#owner];
      const { "if-none-match": if_none_match, "bellwether-reader": report } = headers;
      const call = { call: number, get: url.slice("https://bellwether".length), if_none_match, report };
      // What is undefined is not there.
      this.#came.push(JSON.parse(JSON.stringify(call)));
      return new Promise((resolve, reject) => this.#calls.set(number, { owner, resolve, reject }));
    };
    return { idFromName: (name: string) => name, getByName: () => ({ fetch }) };
  }

  async #look(key: string): Promise<Response | undefined> {
    this.#came.push({ look: key });
    await this.#answers();
    const found = this.#shelf.get(key);
    return found && new Response(found.text, { headers: { age: `${Math.floor((this.elapsed - found.since) / 1000)}` } });
  }

  async #put(key: string, put: Response): Promise<void> {
    const text = await put.text();
    const max_age_s = Number(put.headers.get("cache-control")!.replace("max-age=", ""));
    this.#came.push({ put: key, max_age_s, text });
    await this.#answers();
    this.#shelve(key, text);
  }

  #shelve(key: string, text: string): void {
    if (this.#cache !== "forgets") this.#shelf.set(key, { since: this.elapsed, text });
  }

  /** Whether the cache answers; never, where it hangs. */
  async #answers(): Promise<void> {
    if (this.#cache === "fails") throw new Error("fails");
    if (this.#cache === "hangs") await new Promise(() => {});
  }

  #status(): Json {
    const { version, pending, counts, lastRejection, lastFailure } = this.reader.status();
    return {
      status: {
        version,
        pending: pending && { version: pending.version, in_ms: pending.inMs },
        counts: Object.fromEntries(Object.entries(counts).map(([name, count]) => [snake(name), count])),
        rejected: lastRejection && lastRejection.pointer,
        failed: lastFailure !== null,
        ...(this.#colo && { colo_hits: this.#colo.hits() }),
      },
    };
  }
}

function seen({ version, etag, state, ageMs, value }: Read<Json>): Json {
  return { version, etag, state, age_ms: ageMs, value };
}

function response({ status, headers, body }: Json): unknown {
  const text = async () => {
    if (typeof body !== "string") throw new Error("broke off");
    return body;
  };
  return { status, headers: new Headers(headers), text };
}

function policy({ cold_start, on_expired, revalidate_timeout }: Settings): Partial<Options> {
  return {
    ...(cold_start !== undefined && { coldStart: waiting(cold_start) as "base" }),
    ...(on_expired !== undefined && { onExpired: waiting(on_expired) as "serve" }),
    ...(revalidate_timeout !== undefined && { deadline: milliseconds(revalidate_timeout) }),
  };
}

function waiting(policy: string | { wait: string }): unknown {
  return typeof policy === "string" ? policy : { wait: milliseconds(policy.wait) };
}

function milliseconds(duration: string): number {
  const [, number, unit] = /^(\d+)(ms|s)$/.exec(duration) ?? [];
  return Number(number) * (unit === "s" ? 1000 : 1);
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase());
}

/** Until nothing goes on without time passing. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
