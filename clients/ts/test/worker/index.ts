// examples/follower once more, in TypeScript: it gives the same answers, so the same tests drive both. A Worker of yours
// is shorter: here the options come from the var that the Rust reader takes its settings from.

import { createReader, type Options, type Reader, type Wait } from "@bellwether/reader";
import { colo, type Colo } from "@bellwether/reader/colo";
import { note, report } from "@bellwether/reader/report";
import { schema } from "@bellwether/reader/schema";
import { vars } from "@bellwether/reader/vars";
import { z } from "zod";

import defaults from "../../../../examples/follower/defaults.json";

interface Env {
  COORDINATOR: DurableObjectNamespace;
  BELLWETHER: { reader: Settings };
  BELLWETHER_VARS?: unknown;
}

interface Settings {
  colo_cache?: boolean;
  cold_start?: "base" | { wait: string };
  on_expired?: "serve" | "error" | { wait: string };
  revalidate_timeout?: string;
  transport?: { service?: string; url?: string; token_secret: string };
}

const u32 = z.number().int().min(0).max(0xffff_ffff);
const AppConfig = z.object({
  video: z.object({
    accounts: z.object({ default_tier: z.string() }),
    limits: z.object({ width: z.object({ max: u32 }) }),
  }),
  cache: z.object({
    key: z.object({ version: u32 }),
    profiles: z.record(z.string(), z.object({ edge_ttl_s: u32 })),
  }),
});
const validate = schema(AppConfig);

let tier: Colo | undefined;
let made: Reader<z.infer<typeof AppConfig>> | undefined;

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    note(request);
    if (env.BELLWETHER.reader.colo_cache) tier ??= colo();
    const reader = (made ??= createReader({
      ...options(env.BELLWETHER.reader),
      base: vars(defaults, env, validate),
      validate,
      report: report(),
    }));
    switch (new URL(request.url).pathname) {
      case "/": {
        const { version, state, ageMs, value } = await reader.read(env, ctx, request.headers.get("bellwether-min-version"));
        const { video, cache } = value;
        return Response.json({
          version,
          state,
          age_ms: ageMs,
          video: { default_tier: video.accounts.default_tier, max_width: video.limits.width.max },
          cache: { key_version: cache.key.version, long_edge_ttl_s: cache.profiles.long?.edge_ttl_s ?? null },
        });
      }
      case "/report":
        return Response.json({ ...snakes(reader.status()), colo_hits: tier?.hits() ?? null });
      default:
        return new Response("not found", { status: 404 });
    }
  },
};

function options({ cold_start, on_expired, revalidate_timeout, transport }: Settings): Options {
  const waiting = <W extends string>(policy: W | { wait: string }): W | Wait =>
    typeof policy === "string" ? policy : { wait: milliseconds(policy.wait) };
  const how = {
    ...(cold_start && { coldStart: waiting(cold_start) }),
    ...(on_expired && { onExpired: waiting(on_expired) }),
    ...(revalidate_timeout && { deadline: milliseconds(revalidate_timeout) }),
  };
  const sharing = tier && { colo: tier };
  const token = transport?.token_secret ?? "";
  if (transport?.service) return { ...how, service: transport.service, token };
  if (transport?.url) return { ...how, ...sharing, url: transport.url, token };
  return { ...how, ...sharing, binding: "COORDINATOR" };
}

function milliseconds(duration: string): number {
  const [, number, unit] = /^(\d+)(ms|s|m)$/.exec(duration)!;
  return Number(number) * { ms: 1, s: 1_000, m: 60_000 }[unit as "ms"];
}

/** As the Rust follower's report spells it. */
function snakes(value: object): Record<string, unknown> {
  const entries = Object.entries(value).map(([name, member]) => [
    name.replace(/[A-Z]/g, (letter) => "_" + letter.toLowerCase()),
    member && typeof member === "object" ? snakes(member) : member,
  ]);
  return Object.fromEntries(entries);
}
