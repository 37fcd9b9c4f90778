// What a Worker's vars tell its reader. Here and not in Rust, where it is 20 KB more (gzipped), most of which runs once. The
// settings mean what core's settings/reader.rs makes of them, which the coordinator's own Worker uses: tests/readers holds
// the two against each other.

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DEADLINE_MS = 25_000;
const WAIT_MS = 50;
const TRANSPORT = "one of { object }, { service, token_secret } and { url, token_secret }";
const NAME = [/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "the name of a binding or secret"];
const URL_BASE = [
  /^(?=.{1,2048}$)https?:\/\/(?:\[(?=[^\]]*:[^\]]*:)[\da-fA-F:.]+\]|[\w-][\w.-]*)(?::0*(?!0)(?:\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]))?(?:\/[!-"$->@-[\]-~]*)?$/,
  'a URL such as "https://config.example.com", without user, query and fragment',
];

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);
const quoted = (words) => words.map((word) => `"${word}"`).join(", ");
// Without the value, which may be a secret.
const found = (value) => {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
};

// The settings in lines: how long a cold read waits in ms, 0 not at all; how long one of what is expired does, "serve" or
// "error"; the deadline of a call behind a response in ms; "1" for the colo tier; the kind of transport, its binding or URL,
// and its token's secret, or "unusable" and why; then a line for each mistake. Nothing where the var is not set.
export function settingsOf(env, name, binding) {
  let value = env[name];
  if (value === undefined) return undefined;
  const wrong = [];
  const note = (pointer, message) => void wrong.push(`${pointer || "the whole"}: ${message}`.replace(/[\n\r]/g, " "));
  const object = (value, pointer, known) => {
    if (!isObject(value)) return note(pointer, `found ${found(value)}, expected an object`);
    for (const key of Object.keys(value))
      if (!known.includes(key)) note(`${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`, `unknown field, expected one of ${quoted(known)}`);
    return value;
  };
  const duration = (value, pointer, normal) => {
    const [, digits, unit] = /^(\d+)(ms|s|m|h|d)$/.exec(typeof value === "string" ? value : "") ?? [];
    const ms = digits * UNITS[unit];
    if (ms >= 1 && ms <= DEADLINE_MS) return ms;
    const is = typeof value !== "string" ? found(value) : ms < 1 ? "a shorter duration" : ms ? "a longer duration" : "a string that is not a duration";
    note(pointer, `found ${is}, expected a duration such as "250ms" or "5s", from 1ms to 25s`);
    return normal;
  };
  const text = (value, pointer, [rule, expected]) => {
    if (value === undefined) return note(pointer, "missing, expected a string");
    if (typeof value !== "string") return note(pointer, `found ${found(value)}, expected a string`);
    return rule.test(value) ? value : note(pointer, `expected ${expected}`);
  };
  const policy = (value, pointer, words, normal) => {
    if (value === undefined) return normal;
    if (value === "wait") return WAIT_MS;
    if (words.includes(value)) return value;
    if (isObject(value)) {
      object(value, pointer, ["wait"]);
      return duration(value.wait, `${pointer}/wait`, WAIT_MS);
    }
    note(pointer, `found ${typeof value === "string" ? "another string" : found(value)}, expected one of ${quoted(words)}, "wait" and { wait = "50ms" }`);
    return normal;
  };
  const way = (value, pointer) => {
    if (!object(value, pointer, ["object", "service", "url", "token_secret"])) return [];
    const [kind, more] = ["object", "service", "url"].filter((kind) => kind in value);
    if (!kind || more) return [note(pointer, `expected ${TRANSPORT}`)];
    let secret;
    if (kind !== "object") secret = text(value.token_secret, `${pointer}/token_secret`, NAME);
    else if ("token_secret" in value) note(`${pointer}/token_secret`, `does not go with "object", expected ${TRANSPORT}`);
    return [kind, text(value[kind], `${pointer}/${kind}`, kind === "url" ? URL_BASE : NAME)?.replace(/\/+$/, ""), secret];
  };

  try {
    if (typeof value === "string") value = JSON.parse(value);
  } catch {
    note("", "not JSON");
    value = {};
  }
  const { reader = {} } = object(value, "", ["spaces", "reader"]) ?? {};
  const { cold_start, on_expired, revalidate_timeout, colo_cache, transport } = object(reader, "/reader", ["cold_start", "colo_cache", "on_expired", "revalidate_timeout", "transport"]) ?? {};
  const lines = [
    policy(cold_start, "/reader/cold_start", ["base"], WAIT_MS),
    policy(on_expired, "/reader/on_expired", ["serve", "error"], "serve"),
    revalidate_timeout === undefined ? 5_000 : duration(revalidate_timeout, "/reader/revalidate_timeout", 5_000),
  ];
  const before = wrong.length;
  let [kind, ...named] = transport === undefined ? ["object", binding] : way(transport, "/reader/transport");
  // Following the wrong coordinator is worse than following none.
  if (wrong.length > before) [kind, ...named] = ["unusable", `the settings have a mistake at ${wrong[before]}`];
  let colo = colo_cache === true;
  if (typeof (colo_cache ?? false) !== "boolean" || colo_cache === null) note("/reader/colo_cache", `found ${found(colo_cache)}, expected true or false`);
  if (colo && kind === "service") {
    note("/reader/colo_cache", "does not go with the transport { service, token_secret }, expected false");
    colo = false;
  }
  const [where = "", secret = ""] = named;
  return [...lines, colo ? 1 : "", kind, where, secret, ...wrong].join("\n");
}

// A number keeps the digits that it was written with where a float would not.
const exact = (_, value, { source }) => (typeof value === "number" ? JSON.rawJSON(source) : value);
const parsed = (text) => JSON.parse(text, /\d(?:[.eE]|\d{15})|-0/.test(text) ? exact : undefined);

// By entries: a key like __proto__ stays a key.
function patched(target, patch) {
  const members = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) members.delete(key);
    else members.set(key, isObject(value) ? patched(members.get(key), value) : value);
  }
  return Object.fromEntries(members);
}

// `base`, a JSON object, with the merge patch (RFC 7396) on it that is the var; the var itself where the base holds nothing,
// for the lowest layer is no patch. Where that is no object, what is wrong with it, in words. Nothing where the var is not set.
export function layered(env, name, base) {
  const value = env[name];
  if (value === undefined) return undefined;
  let patch = value;
  try {
    if (typeof value === "string") patch = parsed(value);
  } catch {
    return "not JSON";
  }
  if (!isObject(patch)) return `found ${found(patch)}, expected an object`;
  const target = parsed(base);
  return JSON.stringify(Object.keys(target).length ? patched(target, patch) : patch);
}
