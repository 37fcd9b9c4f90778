// What the report says around its tables.

export const HOW = `All peers run in one version of workerd, on one machine, in one run, and take turns in every round, each round beginning
with another. Figures are medians, with the quartiles behind them; ratios are medians of the rounds' own ratios. **Ratios travel to other machines, times do not.** Processor time is that of the whole workerd process, with all
that stands behind the peer but for the played stores; the load generator shares the machine, so that requests a second at
many connections say how both do together.

Each peer is set up as its documentation says for Workers, gives the same answer (checked before it is measured), and has
a configuration of the same size in its own form:

| | what it is |
| --- | --- |
| empty JS, empty Rust | answers "ok"; in Rust by the crate worker as it comes |
| KV read per request | \`env.KV.get("config", "json")\` in each request |
| memory over KV | the same, kept in the isolate for 30 s; whoever finds it old, waits |
| object call per request | a Durable Object asked in each request |
| JS twin | Bellwether's design in as little JavaScript as it takes; its object sends the headers that Bellwether's sends. No settings, tokens, limits or metrics, no care for failures |
| LaunchDarkly | the SDK for Cloudflare with KV as its store, one client for an isolate's life. Its service, which writes that store, is not run |
| Vercel edge-config | \`get\` for each lookup, against a local endpoint; "in one call": \`getAll\` of all keys of a request. On Vercel's own platform it reads a local copy instead |
| GrowthBook over KV | the SDK, its payload read from KV in each request; "its memory": its own cache in the isolate, over KV, where another isolate has left it, over a local endpoint. Both ways stand on its page for Cloudflare |
| Flagship, local store | Cloudflare's, by its binding, over the stand-in for its service that comes with wrangler: an object with SQLite, asked once a lookup. It says nothing of the service itself, which runs at Cloudflare only. Left out at 1 MB: its flags are rows, read one by one, with no document whose size would matter |
| Bellwether, whole | its own Worker's \`GET config\`: it checks a token and answers the whole document with all headers; beside "JS twin, whole", which checks none. "One value" is \`?pointer=\` to a number, as small as what the empty ones answer |
| Bellwether's readers | Workers that follow by an object binding with \`script_name\`; the Rust one has the crate worker's own entry, or one of its own as in [examples/lean-rust](../examples/lean-rust) |`;

export const NOTES = {
  "Warm requests": "The configuration was asked for before. Calls are the reads that reached KV, an endpoint or an object.",
  Revalidation:
    "A TTL of none, so that each read is a conditional request that is waited for and answered 304, by the same JavaScript object for all: what is compared is the reader.",
  "First requests": `The coordinator, or the twin's object, stands already, as it does for all but the first isolate of a space. *New isolate*: workerd's
workerLoader makes an isolate in a process that runs, and compiles the Worker for it; an object or KV stands in a process of its
own and is reached over the loopback, by all peers alike. *New process*: workerd is up and has compiled its Workers, none of
which ran yet, and objects are in it. Processor time is that of the process that serves the request until the answer is there:
V8 may compile beside the request.`,
  "The object":
    "One object behind the same small front in JavaScript: what it answers to a reader that has the version, and to one that has none.",
  Parsing: "Each way parses the same text again and again, in a warm isolate; the copy of the text into wasm is not in it.",
};

export const BEYOND = `- Distance. A cold read of an object far away takes what the way takes; KV read where the key is cold was measured at 138 ms,
  and is played with that delay above.
- KV's own cache: a warm key at the edge is read in about a millisecond there, and billed; here each read is a call over the
  loopback, a fraction of one.
- Other tenants, eviction of isolates, the platform's limits on processor time and memory, and overload of an object.
- Bills. What a call costs is in the tables as calls a request.
- What the platform keeps of compiled code between isolates: a new isolate here compiles everything, a new process has
  compiled it before the request.`;
