// The KV service behind workerd's `kvNamespace` bindings: `GET /KEY?urlencoded=true`. It counts, and may be slow.
import { createServer } from "node:http";

export class PlayedKv {
  calls = 0;
  delayMs = 0;

  static async start(values) {
    const kv = new PlayedKv();
    kv.server = createServer((request, response) => kv.#answer(values, request, response));
    await new Promise((resolve) => kv.server.listen(0, "127.0.0.1", resolve));
    kv.address = `127.0.0.1:${kv.server.address().port}`;
    return kv;
  }

  #answer(values, request, response) {
    this.calls += 1;
    const key = decodeURIComponent(new URL(request.url, "http://kv").pathname.slice(1));
    const value = values[key];
    setTimeout(() => {
      if (value === undefined) response.writeHead(404).end();
      else response.end(value);
    }, this.delayMs);
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
