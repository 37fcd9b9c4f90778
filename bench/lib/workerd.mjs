// workerd with several Workers, each a process of its own where that matters: what it listens on, and the time it took.
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const program = process.env.BELLWETHER_WORKERD;
// As wrangler.toml has it.
export const DATE = "2026-10-01";

// None outlives this process, whatever that ends by.
const running = new Set();
process.on("exit", () => running.forEach((workerd) => workerd.kill()));

// A process that serves `workers`: `{ name, modules: [{ name, kind, file }], bindings, flags, object, port }` each, where
// `object` is the class of a Durable Object, if there is one, and the port any that is free, if none is given. A binding
// is as workerd's config has it, or `{ name, kind, file }` for a file's contents. `more` are further services.
export class Workerd {
  static async start(workers, more = []) {
    const folder = mkdtempSync(join(tmpdir(), "bellwether-bench-"));
    mkdirSync(join(folder, "disk"));
    const services = [
      '(name = "network", network = (allow = ["private", "public"]))',
      '(name = "disk", disk = (path = "disk", writable = true))',
      ...more,
      ...workers.map((worker) => `(name = ${quoted(worker.name)}, worker = ${workerOf(worker, folder)})`),
    ];
    const sockets = workers.map(
      ({ name, port = 0 }) => `(name = ${quoted(name)}, address = "127.0.0.1:${port}", http = (), service = ${quoted(name)})`,
    );
    writeFileSync(
      join(folder, "config.capnp"),
      `using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = (services = [${services}], sockets = [${sockets}]);\n`,
    );
    const child = spawn(program, ["serve", "config.capnp", "--experimental", "--control-fd=3"], {
      cwd: folder,
      stdio: ["ignore", "ignore", process.env.BENCH_LOG ? "inherit" : "ignore", "pipe"],
    });
    const workerd = new Workerd(child, folder);
    await workerd.#listening(workers.length);
    return workerd;
  }

  constructor(child, folder) {
    this.child = child;
    this.folder = folder;
    this.ports = {};
    running.add(this);
  }

  #listening(count) {
    return new Promise((resolve, reject) => {
      let text = "";
      this.child.once("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
      this.child.stdio[3].on("data", (chunk) => {
        text += chunk;
        const lines = text.split("\n");
        text = lines.pop();
        for (const line of lines) {
          const report = JSON.parse(line);
          if (report.event === "listen") this.ports[report.socket] = report.port;
        }
        if (Object.keys(this.ports).length === count) resolve();
      });
    });
  }

  // With another process behind it, whose Workers can be reached by name, too. It ends with this one, and its processor time is
  // its own.
  before(behind) {
    this.behind = behind;
    this.ports = { ...behind.ports, ...this.ports };
    return this;
  }

  // Processor time that its threads have used, in milliseconds. To the nanosecond, unlike that of /proc/PID/stat, and
  // without what threads had that have ended: workerd's stay.
  cpuMs() {
    const tasks = `/proc/${this.child.pid}/task`;
    const nanoseconds = readdirSync(tasks).map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]));
    return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
  }

  stop() {
    this.child.removeAllListeners("exit");
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    return Promise.all([ended.then(() => this.kill()), this.behind?.stop()]);
  }

  kill() {
    running.delete(this);
    this.child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function workerOf({ name, modules, bindings = [], flags = [], object }, folder) {
  let copies = 0;
  const embedded = (part) => {
    // Paths in the config are below its folder.
    const copy = `${name}-${copies++}`;
    copyFileSync(part.file, join(folder, copy));
    return `(name = ${quoted(part.name)}, ${part.kind} = embed ${quoted(copy)})`;
  };
  const parts = [
    `modules = [${modules.map(embedded)}]`,
    `compatibilityDate = ${quoted(DATE)}`,
    `compatibilityFlags = [${flags.map(quoted)}]`,
    `bindings = [${bindings.map((bound) => (bound.file ? embedded(bound) : bound))}]`,
    'globalOutbound = "network"',
  ];
  if (object) {
    parts.push(`durableObjectNamespaces = [(className = ${quoted(object)}, uniqueKey = ${quoted(name)}, enableSql = true)]`);
    parts.push('durableObjectStorage = (localDisk = "disk")');
  }
  return `(${parts.join(", ")})`;
}

export const binding = (name, kind, value) => `(name = ${quoted(name)}, ${kind} = ${quoted(value)})`;

const ESCAPES = { "\n": "\\n", '"': '\\"', "\\": "\\\\" };
export const quoted = (text) => `"${text.replaceAll(/[\n"\\]/g, (character) => ESCAPES[character])}"`;
