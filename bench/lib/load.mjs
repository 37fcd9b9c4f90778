// Requests over kept connections, one after the other on each: as little work as can be, for it shares the machine with
// what it measures.
import { connect } from "node:net";

export class Load {
  // Any other status than this one is an error: what fails is quick.
  constructor(port, path, headers = {}, status = 200) {
    this.port = port;
    this.status = status;
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.request = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: bench\r\n${lines.join("")}\r\n`);
  }

  // `count` requests over so many connections; gives the last answer, its status and bytes, and its text where that is
  // wanted; and the milliseconds from when all were connected.
  run(count, connections, { isText = false } = {}) {
    let left = count;
    let open = connections;
    let last = null;
    let started = 0;
    const begin = [];
    return new Promise((resolve, reject) => {
      for (let index = 0; index < connections; index += 1) {
        const socket = connect({ port: this.port, host: "127.0.0.1", noDelay: true });
        const fail = (error) => {
          left = 0;
          socket.destroy();
          reject(error);
        };
        let isDone = false;
        const next = () => {
          if (left > 0) {
            left -= 1;
            socket.write(this.request);
            return;
          }
          isDone = true;
          socket.end();
          open -= 1;
          if (open === 0) resolve({ ...last, ms: performance.now() - started });
        };
        const answers = new Answers(isText, (answer) => {
          if (answer.status !== this.status) return fail(new Error(`an answer of status ${answer.status}, not ${this.status}`));
          last = answer;
          return next();
        });
        socket.on("connect", () => {
          begin.push(next);
          if (begin.length < connections) return;
          started = performance.now();
          for (const each of begin) each();
        });
        socket.on("data", (chunk) => {
          try {
            answers.take(chunk);
          } catch (error) {
            fail(error);
          }
        });
        socket.on("error", fail);
        socket.on("close", () => isDone || fail(new Error("the connection was closed before the answer's end")));
      }
    });
  }

  once() {
    return this.run(1, 1, { isText: true });
  }
}

// Finds the ends of answers that tell their length.
class Answers {
  #head = "";
  #status = 0;
  #missing = -1;
  #length = 0;
  #text = "";

  constructor(isText, done) {
    this.isText = isText;
    this.done = done;
  }

  take(chunk) {
    let rest = chunk;
    while (rest.length > 0 || this.#missing === 0) {
      if (this.#missing < 0) {
        const before = this.#head.length;
        this.#head += rest.latin1Slice();
        const end = this.#head.indexOf("\r\n\r\n");
        if (end < 0) return;
        this.#begin(this.#head.slice(0, end));
        rest = rest.subarray(end + 4 - before);
      }
      const taken = Math.min(this.#missing, rest.length);
      if (this.isText) this.#text += rest.latin1Slice(0, taken);
      this.#missing -= taken;
      rest = rest.subarray(taken);
      if (this.#missing > 0) return;
      this.#missing = -1;
      this.done({ status: this.#status, bytes: this.#length, ...(this.isText && { text: this.#text }) });
    }
  }

  #begin(head) {
    this.#status = Number(head.slice(9, 12));
    this.#length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? (this.#status === 304 ? 0 : NaN));
    if (Number.isNaN(this.#length)) throw new Error(`an answer without a length: ${head}`);
    this.#missing = this.#length;
    this.#head = "";
    this.#text = "";
  }
}
