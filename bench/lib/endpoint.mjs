// What Vercel's and GrowthBook's SDKs fetch, as their services answer it.
import { Played } from "./played.mjs";

export class PlayedEndpoint extends Played {
  static start({ edgeConfig, growthbook }) {
    const all = JSON.stringify(edgeConfig);
    return super.start((method, url) => {
      const [, kind, name] = url.pathname.match(/^\/ecfg_bench\/(items?)(?:\/(.*))?$/) ?? [];
      if (kind === "item") return JSON.stringify(edgeConfig[name]);
      const keys = url.searchParams.getAll("key");
      if (kind === "items") return keys.length > 0 ? JSON.stringify(Object.fromEntries(keys.map((key) => [key, edgeConfig[key]]))) : all;
      return url.pathname.startsWith("/api/features/") ? growthbook : undefined;
    });
  }
}
