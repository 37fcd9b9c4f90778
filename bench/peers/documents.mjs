// The same configuration in each peer's own form. A size is that of what is stored: a product's flags take more bytes
// than an item of a list, so it has fewer of them; but never fewer than are looked up.
const LOOKUPS_AT_MOST = 20;

export const keyOf = (index) => `thumbnail-${index}`;

// What a peer answers to so many lookups.
export const answerTo = (lookups) => String((lookups * (lookups - 1)) / 2);

export const LAUNCHDARKLY_ID = "bench";
export const GROWTHBOOK_KEY = "sdk-bench";

// `config` for whoever reads it whole; by KV key, texts for whoever reads KV; and what the played endpoint has.
export function documents(bytes) {
  const config = { items: fill(bytes, (index) => ({ name: keyOf(index), width: index })) };
  const growthbook = JSON.stringify({ features: named(bytes, (item) => ({ defaultValue: item })) });
  return {
    config,
    kv: {
      config: JSON.stringify(config),
      [`LD-Env-${LAUNCHDARKLY_ID}`]: JSON.stringify({ flags: named(bytes, launchDarklyFlag), segments: {} }),
      gb_payload: growthbook,
    },
    growthbook,
    edgeConfig: named(bytes, (item) => item),
    flagship: fill(bytes, flagshipFlag),
  };
}

// What GrowthBook's SDK keeps in KV, as another isolate left it there.
export function growthbookCache(growthbook, apiHost) {
  const staleAt = new Date(Date.now() + 60_000);
  return {
    gbFeaturesCache: JSON.stringify([
      [`${apiHost}||${GROWTHBOOK_KEY}`, { data: JSON.parse(growthbook), version: "", staleAt, sse: false }],
    ]),
  };
}

// As many as fit into so many bytes, and at least as many as are looked up.
function fill(bytes, itemOf) {
  const items = [];
  for (let size = 12; size < bytes || items.length < LOOKUPS_AT_MOST; size += JSON.stringify(items.at(-1)).length + 1)
    items.push(itemOf(items.length));
  return items;
}

function named(bytes, valueOf) {
  const entries = fill(bytes, (index) => [keyOf(index), valueOf({ name: keyOf(index), width: index }, keyOf(index))]);
  return Object.fromEntries(entries);
}

// As LaunchDarkly's integration writes them into KV.
function launchDarklyFlag(item, key) {
  return {
    key,
    version: 1,
    on: true,
    prerequisites: [],
    targets: [],
    contextTargets: [],
    rules: [],
    fallthrough: { variation: 0 },
    offVariation: 0,
    variations: [item],
    clientSideAvailability: { usingMobileKey: false, usingEnvironmentId: true },
    salt: "1d2e3f",
    trackEvents: false,
    debugEventsUntilDate: null,
  };
}

function flagshipFlag(index) {
  const item = { name: keyOf(index), width: index };
  return { key: keyOf(index), description: null, enabled: true, default_variation: "only", variations: { only: item }, rules: [] };
}
