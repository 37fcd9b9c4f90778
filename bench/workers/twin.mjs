// Bellwether's design in as little JavaScript as it takes: the rival to beat. One object holds the configuration; each
// isolate keeps it for a TTL and asks again behind the response. No settings, no tokens, no limits, no care.
import { answer } from "./shared.mjs";

const TTL_MS = 30_000;

export class Twin {
  constructor(state, env) {
    this.text = JSON.stringify(env.CONFIG);
    this.etag = '"v1"';
    this.init = this.headers(200, { "content-type": "application/json" });
    this.notModified = this.headers(304, {});
  }

  headers(status, more) {
    const described = {
      etag: this.etag,
      age: "0",
      "bellwether-version": "1",
      "bellwether-state": "fresh",
      "bellwether-freshness": "age=0, ttl=30000, swr=300000",
      "last-modified": "Wed, 25 Nov 2026 04:00:00 GMT",
      "cache-control": "private, max-age=30, stale-while-revalidate=300",
      "server-timing": 'object;desc="fresh"',
    };
    return { status, headers: { ...more, ...described } };
  }

  fetch(request) {
    if (request.headers.get("if-none-match") === this.etag) return new Response(null, this.notModified);
    return new Response(this.text, this.init);
  }
}

let held = null;

async function refresh(env) {
  const headers = held ? { "if-none-match": held.etag } : {};
  const reply = await env.TWIN.getByName("default").fetch("https://twin/snapshot", { headers });
  const at = Date.now();
  if (reply.status === 304) held.at = at;
  else await hold(reply, at);
}

async function hold(reply, at) {
  const text = await reply.text();
  held = { text, config: JSON.parse(text), etag: reply.headers.get("etag"), version: reply.headers.get("bellwether-version"), at, age: -1 };
}

function respond(request) {
  if (request.url.includes("lookups=")) return answer(request, held.config);
  const age = Math.floor((Date.now() - held.at) / 1000);
  if (held.age !== age) {
    held.age = age;
    const headers = {
      etag: held.etag,
      age: String(age),
      "bellwether-version": held.version,
      "bellwether-state": "fresh",
      "server-timing": 'reader;desc="fresh"',
      "cache-control": "private, no-cache",
    };
    held.init = { headers: { "content-type": "application/json", ...headers } };
    held.notModified = { status: 304, headers };
  }
  if (request.headers.get("if-none-match") === held.etag) return new Response(null, held.notModified);
  return new Response(held.text, held.init);
}

async function cold(request, env) {
  await refresh(env);
  return respond(request);
}

export default {
  fetch(request, env, context) {
    if (request.url.endsWith("/revalidate")) return cold(request, env);
    if (!held) return cold(request, env);
    if (Date.now() - held.at > TTL_MS) context.waitUntil(refresh(env));
    return respond(request);
  },
};
