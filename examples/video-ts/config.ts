// The configuration, as far as this Worker needs it. It ignores the rest, and refuses what does not fit.

import * as v from "valibot";

const names = v.array(v.string());
const bounds = v.object({ min: v.number(), max: v.number() });

export const Config = v.object({
  video: v.object({
    enabled: v.boolean(),
    sources: v.record(v.string(), v.object({ prefix: v.optional(v.string()), base_url: v.optional(v.string()) })),
    routes: v.array(
      v.object({
        name: v.string(),
        match: v.string(),
        sources: names,
        presets: v.optional(names),
        default_preset: v.optional(v.string()),
        cache_profile: v.string(),
        signed: v.optional(v.unknown()),
        access: v.optional(v.unknown()),
      }),
    ),
    presets: v.record(v.string(), v.object({ ladder: names, fit: v.string(), muted: v.boolean() })),
    renditions: v.record(v.string(), v.object({ width: v.number(), height: v.number() })),
    limits: v.object({ width: bounds, height: bounds }),
    accounts: v.object({
      tiers: v.record(v.string(), v.object({ height_max: v.number() })),
      default_tier: v.string(),
    }),
  }),
  cache: v.object({
    profiles: v.record(
      v.string(),
      v.object({ edge_ttl_s: v.number(), browser_ttl_s: v.number(), stale_while_revalidate_s: v.number() }),
    ),
  }),
});

export type Config = v.InferOutput<typeof Config>;
