// The KV service behind workerd's `kvNamespace` bindings: `GET /KEY?urlencoded=true`, and `PUT`.
import { Played } from "./played.mjs";

export class PlayedKv extends Played {
  static start(values) {
    const held = new Map(Object.entries(values));
    return super.start((method, url, body) => {
      const key = decodeURIComponent(url.pathname.slice(1));
      if (method !== "PUT") return held.get(key);
      held.set(key, body);
      return "";
    });
  }
}
