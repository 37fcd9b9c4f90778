// The object of Bellwether's design in as little JavaScript as it takes: it answers what it holds with the headers that
// Bellwether's object sends, and tells how often it was asked.
export class Twin {
  constructor(state, env) {
    this.calls = 0;
    this.text = JSON.stringify(env.CONFIG);
    this.etag = '"v1"';
    this.init = this.headers(200, env.TTL_MS, { "content-type": "application/json" });
    this.notModified = this.headers(304, env.TTL_MS, {});
  }

  headers(status, ttlMs, more) {
    const described = {
      etag: this.etag,
      age: "0",
      "bellwether-version": "1",
      "bellwether-state": "fresh",
      "bellwether-freshness": `age_ms=0, ttl_ms=${ttlMs}, swr_ms=${ttlMs * 10}`,
      "last-modified": "Wed, 25 Nov 2026 04:00:00 GMT",
      "cache-control": "private, max-age=30, stale-while-revalidate=300",
      "server-timing": 'object;desc="fresh"',
    };
    return { status, headers: { ...more, ...described } };
  }

  fetch(request) {
    if (request.url.endsWith("/calls")) return new Response(String(this.calls));
    this.calls += 1;
    if (request.headers.get("if-none-match") === this.etag) return new Response(null, this.notModified);
    return new Response(this.text, this.init);
  }
}

// For the benchmark itself: whether the object is up, and what it counted.
export default { fetch: (request, env) => env.OBJECT.getByName("default").fetch(request) };
