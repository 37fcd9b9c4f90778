// What the isolates of a data centre share through its cache: crates/core/src/reading/colo.rs once more, entry for entry, so
// that isolates of both readers share. An entry of its own: who does not use it does not carry it.
//
// A word is the coordinator's last answer: version, ETag, age and terms, announcement, and what the clock of the isolate
// said that was told. The document stands under a key of its own, so that a word can be renewed without it. To read a word
// makes it no younger, and once it is as old as the TTL it is not used.

import type { Answer, Call } from "./cache.ts";
import { checked } from "./check.ts";
import type { Env } from "./options.ts";
import type { Tier } from "./tier.ts";
import { bound } from "./transport.ts";
import { LATE, within } from "./within.ts";
import { parseReply, toNumber } from "./wire.ts";

/** How long a look into the cache may take: half of what a cold read waits by default. */
const DEADLINE_MS = 25;
/** So far apart the clocks of one data centre may be. */
const CLOCKS_APART_MS = 100;
/** After so many disappointments in a row it is left alone. */
const TRIES = 3;
/** The host of keys; no request ever goes there. */
const KEYS = "https://colo.bellwether.invalid/1";
/** In the order of a word's lines. What the clock said comes last. */
const WORD = ["bellwether-version", "etag", "bellwether-freshness", "bellwether-pending"];

/** What the cache has under a key. */
interface Shelved {
  /** For how long it has had it, as far as it says. */
  ageMs: number;
  text: string;
}

/** What to put there. */
interface Entry {
  key: string;
  text: string;
  seconds: number;
}

/** The option `colo` of one reader. */
export interface Colo extends Tier {
  /** Calls that the data centre's cache answered; `null` where it is not used. */
  hits(): number | null;
}

/** Asks the data centre's cache first, `caches.default`, and shares with it what the coordinator says. */
export function colo(): Colo {
  let hits = 0;
  let disappointments = 0;
  /** Something was found once. */
  let works = false;

  const tier: Tier = (ask, options, deadline, memory, log) => {
    async function askFirst(env: Env, call: Call): Promise<Answer | undefined> {
      const key = !call.ahead && isOn() && keyOf(env);
      if (!key) return ask(env, call);
      // One that wants a minimum version is always for the object.
      const found = call.minimum ? undefined : await find(key, call);
      if (found) {
        hits++;
        return found;
      }
      const answer = await ask(env, call);
      const entries = isOn() ? entriesOf(key, call, answer!) : [];
      if (entries.length) call.share = () => share(entries);
      return answer;
    }

    /** The key of the coordinator's word. It names this coordinator, and no other deployment's. */
    function keyOf(env: Env): string | undefined {
      const { binding, url, space = "default" } = options;
      if (!binding && !url) {
        disappointments = TRIES;
        log("colo_cache_off", "a service binding has no name that no other has");
        return;
      }
      try {
        return KEYS + part(url?.replace(/\/+$/, "") ?? String(bound(env, binding!).idFromName(space))) + part(space);
      } catch {
        // The call will say what is wrong.
        return;
      }
    }

    /** What the cache has for the answer to a call, if that will do. */
    async function find(key: string, call: Call): Promise<Answer | undefined> {
      const word = await lookUp(key);
      const first = word && weigh(call, word);
      if (!first) return;
      let value: unknown;
      if (first.version) {
        const document = await lookUp(key + part(first.etag!));
        value = document && checked(options.validate, document.text)[0];
        // What does not fit may be no document at all: let the object say so.
        if (!value) return;
      }
      // Once more: meanwhile there may have been another answer.
      const answer = weigh(call, word);
      if (!answer) return;
      // As if this isolate had sent that call: its word is older than what was asked since.
      const [now] = memory();
      call.sent = Math.max(0, now - answer.age);
      // What was before the first read is added to the age that the answer had.
      return { ...answer, age: answer.age - (now - call.sent), value };
    }

    /** What a word comes to as the answer to a call; nothing where the object is to be asked. */
    function weigh(call: Call, word: Shelved): Answer | undefined {
      const lines = word.text.split("\n");
      const get = (name: string) => lines[WORD.indexOf(name)] ?? null;
      let reply;
      try {
        reply = parseReply(undefined, { status: 200, headers: { get } } as never)!;
      } catch {
        return;
      }
      const [now, told, clock, held, refused] = memory();
      const { version, etag, ttl, pending } = reply;
      const toldAt = toNumber(lines[WORD.length]);
      // At most and at least so long ago, whichever of the clocks is ahead.
      const most = Math.max(clock + CLOCKS_APART_MS - toldAt, word.ageMs);
      const surely = Math.max(clock - CLOCKS_APART_MS - toldAt, 0);
      const age = reply.age + most;
      const known = told >= 0 && age >= now - told;
      const usable =
        clock + CLOCKS_APART_MS >= toldAt &&
        age < Math.min(ttl, options.ttl ?? ttl) &&
        !reply.base &&
        !(pending && pending.in <= most) &&
        !known &&
        version >= Math.max(held?.version ?? 0, refused?.version ?? 0);
      if (!usable) return;
      return {
        ...reply,
        age,
        pending: pending && { ...pending, in: Math.max(0, pending.in - surely) },
        version: etag === call.etag ? 0 : version,
        body: "",
      };
    }

    /** What to tell the others of the object's answer; the word comes last. */
    function entriesOf(key: string, call: Call, answer: Answer): Entry[] {
      const [now, , clock, held, refused] = memory();
      const known = [held, refused].find((known) => known && known.etag === call.etag);
      const { version, etag } = (answer.version ? answer : known) ?? {};
      const { ttl, swr, pending, base, body } = answer;
      const age = answer.age + (now - call.sent);
      const seconds = Math.floor(Math.min(ttl - age, pending?.in ?? Infinity) / 1_000);
      // Nothing of built-in layers, and of what would be over within a second.
      if (seconds < 1 || base || !version || version < Math.max(held?.version ?? 0, refused?.version ?? 0)) return [];
      const announced = pending ? `version=${pending.version}, in_ms=${pending.in}` : "";
      const word = [version, etag, `age_ms=${age}, ttl_ms=${ttl}, swr_ms=${swr}`, announced, clock].join("\n");
      const entries = [{ key, text: word, seconds }];
      if (answer.version) entries.unshift({ key: key + part(etag!), text: body, seconds });
      return entries;
    }

    /** Puts it there. Until something was found once, it looks whether that can be. */
    async function share(entries: Entry[]): Promise<void> {
      for (const entry of entries) {
        const put = await within(shelved(entry), deadline).catch(() => LATE);
        if (put === LATE) return disappointed("it takes nothing");
      }
      if (!works && (await lookUp(entries.at(-1)!.key)) === null) disappointed("what is put there is not found");
    }

    /** `null` where there is nothing, and nothing at all where it does not work. */
    async function lookUp(key: string): Promise<Shelved | null | undefined> {
      const found = await within(lookedUp(key), DEADLINE_MS).catch(() => LATE);
      if (found === LATE) {
        disappointed("it fails, or takes too long");
        return;
      }
      if (found) {
        works = true;
        disappointments = 0;
      }
      return found as Shelved | null;
    }

    function disappointed(why: string): void {
      if (++disappointments === TRIES) log("colo_cache_off", why);
    }

    return askFirst;
  };

  function isOn(): boolean {
    return disappointments < TRIES;
  }

  return Object.assign(tier, { hits: () => (isOn() ? hits : null) });
}

declare const caches: any;

async function lookedUp(key: string): Promise<Shelved | null> {
  const found = await caches.default.match(key);
  return found ? { ageMs: Number(found.headers.get("age")) * 1_000 || 0, text: await found.text() } : null;
}

async function shelved({ key, text, seconds }: Entry): Promise<true> {
  await caches.default.put(key, new Response(text, { headers: { "cache-control": `max-age=${seconds}` } }));
  return true;
}

function part(text: string): string {
  return "/" + encodeURIComponent(text);
}
