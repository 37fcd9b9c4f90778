// Which transformation a request gets. No I/O, nothing kept: only the configuration and the URL.

import type { Config } from "./config.ts";

export interface Made {
  readonly transform: string;
  readonly route: string;
  readonly derivative: string;
  readonly cacheControl: string;
}

export interface Refused {
  readonly status: 400 | 404;
  readonly error: string;
}

type Video = Config["video"];
type Bounds = Video["limits"]["width"];
type Route = Video["routes"][number];

export function decide({ video, cache }: Config, { pathname, searchParams }: URL): Made | Refused {
  if (!video.enabled) return refused(404, "video is switched off");
  const route = video.routes.find((route) => isServed(route) && leadsTo(route, pathname));
  if (!route || !pathname.endsWith(".mp4")) return refused(404, "no route leads there");

  const { presets = [], default_preset = "" } = route;
  const derivative = searchParams.get("derivative") ?? default_preset;
  if (!presets.includes(derivative)) return refused(400, `derivative: expected one of ${presets.join(", ")}`);
  const preset = video.presets[derivative];
  const source = video.sources[route.sources[0] ?? ""];
  const profile = cache.profiles[route.cache_profile];
  const largest = preset && largestOf(preset.ladder, video);
  if (!largest || !source || !profile) return refused(404, `the configuration does not say how to make ${derivative}`);

  const width = size(searchParams.get("width"), video.limits.width, largest.width);
  const height = size(searchParams.get("height"), video.limits.height, largest.height);
  if (width === undefined) return refused(400, expected("width", video));
  if (height === undefined) return refused(400, expected("height", video));
  const options = ["mode=video", `width=${width}`, `height=${height}`, `fit=${preset.fit}`, ...(preset.muted ? ["audio=false"] : [])];
  const from = source.base_url ? `${source.base_url}/` : (source.prefix ?? "");
  return {
    transform: `/cdn-cgi/media/${options}/${from}${pathname.slice(1)}`,
    route: route.name,
    derivative,
    cacheControl: `public, max-age=${profile.browser_ttl_s}, s-maxage=${profile.edge_ttl_s}, stale-while-revalidate=${profile.stale_while_revalidate_s}`,
  };
}

/** Signatures and access by team are left out of this example, and with them the routes that want them. */
function isServed({ presets, signed, access }: Route): boolean {
  return presets !== undefined && signed === undefined && access === undefined;
}

/** A `{name}` in a route's pattern stands for one segment that is not empty. */
function leadsTo({ match }: Route, path: string): boolean {
  const wanted = match.split("/");
  const segments = path.split("/");
  return (
    wanted.length === segments.length &&
    wanted.every((want, at) => (/^\{[^{}]+\}$/.test(want) ? segments[at] !== "" : segments[at] === want))
  );
}

/** The first rung, for ladders go down, that the tier may have. */
function largestOf(ladder: string[], { renditions, accounts }: Video): Video["renditions"][string] | undefined {
  const linesMax = accounts.tiers[accounts.default_tier]?.height_max ?? 0;
  return ladder.map((name) => renditions[name]).find((rendition) => rendition && rendition.height <= linesMax);
}

/** What is asked, but not more than `largest`, which stands where nothing is asked. */
function size(asked: string | null, { min, max }: Bounds, largest: number): number | undefined {
  if (asked === null) return largest;
  const size = /^\d+$/.test(asked) ? Number(asked) : NaN;
  return size >= min && size <= max ? Math.min(size, largest) : undefined;
}

function expected(side: "width" | "height", { limits }: Video): string {
  const { min, max } = limits[side];
  return `${side}: expected a whole number from ${min} to ${max}`;
}

function refused(status: 400 | 404, error: string): Refused {
  return { status, error };
}
