// Requests over kept connections, one after the other on each: as little work as can be, for it shares the machine with
// what it measures.
import { connect } from "node:net";

export class Load {
  constructor(port, path, headers = {}) {
    this.port = port;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.request = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: bench\r\n${lines.join("")}\r\n`);
  }

  // `count` requests over so many connections; gives the status of the last answer and its bytes.
  run(count, connections) {
    let left = count;
    let open = connections;
    let last = null;
    return new Promise((resolve, reject) => {
      for (let index = 0; index < connections; index += 1) {
        const socket = connect({ port: this.port, host: "127.0.0.1", noDelay: true });
        const next = () => {
          if (left > 0) {
            left -= 1;
            socket.write(this.request);
            return;
          }
          socket.end();
          open -= 1;
          if (open === 0) resolve(last);
        };
        const answers = new Answers((answer) => {
          last = answer;
          next();
        });
        socket.on("connect", next);
        socket.on("data", (chunk) => answers.take(chunk));
        socket.on("error", reject);
      }
    });
  }

  async once() {
    return this.run(1, 1);
  }
}

// Finds the ends of answers that tell their length.
class Answers {
  #head = "";
  #status = 0;
  #missing = -1;
  #length = 0;

  constructor(done) {
    this.done = done;
  }

  take(chunk) {
    while (chunk.length > 0) {
      if (this.#missing < 0) {
        this.#head += chunk.latin1Slice();
        const end = this.#head.indexOf("\r\n\r\n");
        if (end < 0) return;
        const before = this.#head.length - chunk.length;
        chunk = chunk.subarray(end + 4 - before);
        this.#status = Number(this.#head.slice(9, 12));
        this.#length = Number(/content-length: (\d+)/i.exec(this.#head.slice(0, end))?.[1] ?? (this.#status === 304 ? 0 : NaN));
        if (Number.isNaN(this.#length)) throw new Error(`an answer without a length: ${this.#head.slice(0, end)}`);
        this.#missing = this.#length;
        this.#head = "";
      }
      const taken = Math.min(this.#missing, chunk.length);
      this.#missing -= taken;
      chunk = chunk.subarray(taken);
      if (this.#missing > 0) return;
      this.#missing = -1;
      this.done({ status: this.#status, bytes: this.#length });
    }
    if (this.#missing === 0) {
      this.#missing = -1;
      this.done({ status: this.#status, bytes: 0 });
    }
  }
}
