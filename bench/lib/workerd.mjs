// workerd with several Workers, each a process of its own where that matters: what it listens on, and the time it took.
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const program = process.env.BELLWETHER_WORKERD;
const TICKS_A_SECOND = 100;
// As wrangler.toml has it.
const DATE = "2026-10-01";

// A process that serves `workers`: `{ name, modules: [{ name, kind, file }], bindings, object, port }` each, where
// `object` is the class of a Durable Object, if there is one, and the port any that is free, if none is given. `more` are
// further services, as workerd's config has them.
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
    const sockets = workers.map(({ name, port = 0 }) => `(name = ${quoted(name)}, address = "127.0.0.1:${port}", http = (), service = ${quoted(name)})`);
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

  // Processor time that it has used, in milliseconds.
  cpuMs() {
    const fields = readFileSync(`/proc/${this.child.pid}/stat`, "utf8").split(") ")[1].split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_A_SECOND;
  }

  stop() {
    this.child.removeAllListeners("exit");
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    return ended.then(() => rmSync(this.folder, { recursive: true, force: true }));
  }
}

function workerOf({ name, modules, bindings = [], object }, folder) {
  const embedded = modules.map((module, index) => {
    // Paths in the config are below its folder.
    const copy = `${name}-${index}`;
    copyFileSync(module.file, join(folder, copy));
    return `(name = ${quoted(module.name)}, ${module.kind} = embed ${quoted(copy)})`;
  });
  const parts = [
    `modules = [${embedded}]`,
    `compatibilityDate = ${quoted(DATE)}`,
    `bindings = [${bindings}]`,
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
