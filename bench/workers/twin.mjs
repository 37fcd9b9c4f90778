// Bellwether's design in as little JavaScript as it takes: the rival to beat. An object holds the configuration
// (twin-object.mjs); each isolate keeps it for the TTL that the object gives and asks again behind the response. No
// settings, no tokens, no limits, no care.
import { answer } from "./shared.mjs";

const TTL = /ttl_ms=(\d+)/;
let held = null;

async function refresh(env) {
  const headers = held ? { "if-none-match": held.etag } : {};
  const reply = await env.OBJECT.getByName("default").fetch("https://twin/snapshot", { headers });
  const at = Date.now();
  const ttl = Number(TTL.exec(reply.headers.get("bellwether-freshness"))[1]);
  if (reply.status === 304) Object.assign(held, { at, ttl });
  else await hold(reply, at, ttl);
}

async function hold(reply, at, ttl) {
  const text = await reply.text();
  held = {
    text,
    config: JSON.parse(text),
    etag: reply.headers.get("etag"),
    version: reply.headers.get("bellwether-version"),
    at,
    ttl,
    age: -1,
  };
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

async function renewed(request, env) {
  await refresh(env);
  return respond(request);
}

export default {
  fetch(request, env, context) {
    // A TTL of none: whoever reads, asks.
    if (!held || held.ttl === 0) return renewed(request, env);
    if (Date.now() - held.at > held.ttl) context.waitUntil(refresh(env));
    return respond(request);
  },
};
