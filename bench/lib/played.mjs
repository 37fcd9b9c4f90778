// What stands behind the peers, played: it counts what is read of it, and may be as slow as a far store.
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

export class Played {
  calls = 0;
  delayMs = 0;

  // `answer` gives the body for a request's method, URL and body, or undefined where there is nothing.
  static async start(answer) {
    const played = new this();
    played.server = createServer(async (request, response) => {
      // Writes are waited for by nobody, and come at any time. Nothing is awaited for what sends nothing.
      const isRead = request.method === "GET";
      if (isRead) played.calls += 1;
      const sent = isRead ? request.resume() && "" : await text(request).catch(() => null);
      // A peer may end while it writes.
      if (sent === null) return;
      const respond = () => {
        const body = answer(request.method, new URL(request.url, "http://played"), sent);
        if (body === undefined) response.writeHead(404).end();
        else response.end(body);
      };
      // A timer, however short, takes a millisecond.
      if (played.delayMs > 0) setTimeout(respond, played.delayMs);
      else respond();
    });
    await new Promise((resolve) => played.server.listen(0, "127.0.0.1", resolve));
    played.address = `127.0.0.1:${played.server.address().port}`;
    played.url = `http://${played.address}`;
    return played;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}
