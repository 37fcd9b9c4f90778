// The KV service behind workerd's `kvNamespace` bindings: `GET /KEY?urlencoded=true`, and `PUT`.
import { Played } from "./played.mjs";

export class PlayedKv extends Played {
  // `values` by key; they may be changed at any time.
  static start(values) {
    return super.start((method, url, body) => {
      const key = decodeURIComponent(url.pathname.slice(1));
      if (method !== "PUT") return values[key];
      values[key] = body;
      return "";
    });
  }
}
