// What an example is deployed as: the coordinator's Worker and the example's, each a script of its own, in one workerd;
// and a KV service that is played, for it counts, is as slow as wanted, and can be broken.
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PlayedKv } from "../../bench/lib/kv.mjs";
import { binding, Workerd } from "../../bench/lib/workerd.mjs";

export const root = join(import.meta.dirname, "../..");
export const SECRET = "example-secret-77aa";
export const VIDEO = "/v/alps/day-1.mp4?width=640&height=360&derivative=tablet";
/** What a KV read was measured to take where its key is cold. */
export const KV_DELAY_MS = 138;

/** Short, so that whoever tries things by hand sees them soon. */
export const TTL_MS = 2_000;

const SCOPES = ["read", "reload", "publish"];
const TOKENS = JSON.stringify([{ name: "you", sha256: createHash("sha256").update(SECRET).digest("hex"), scopes: SCOPES }]);
const KV_BINDING = '(name = "CONFIG_KV", kvNamespace = "kv")';

/** A workerd with the coordinator, and the example's Worker as often as `loaders` names it: each name's loader. */
export class Stage {
  static async start(example, loaders, kv, ports = {}) {
    const workers = Object.entries(loaders).map(([name, loader]) => video(example, name, loader, ports[name]));
    workers.push(coordinator(ports.coordinator));
    const workerd = await Workerd.start(workers, [`(name = "kv", external = (address = "${kv.address}", http = ()))`]);
    return new Stage(workerd);
  }

  constructor(workerd) {
    this.workerd = workerd;
    this.ports = workerd.ports;
  }

  /** One request over a connection of its own: the answer, and the milliseconds until its end. */
  ask(name, agent = false) {
    const started = performance.now();
    return new Promise((resolve, reject) => {
      const request = get({ port: this.ports[name], host: "127.0.0.1", path: VIDEO, agent }, async (response) => {
        let text = "";
        for await (const chunk of response.setEncoding("utf8")) text += chunk;
        resolve({ status: response.statusCode, text: text.trim(), ms: performance.now() - started });
      });
      request.on("error", reject);
    });
  }

  /** The coordinator, by its own routes. */
  operate(path, { method = "GET", headers = {}, body } = {}) {
    const url = `http://127.0.0.1:${this.ports.coordinator}/v1/spaces/default/${path}`;
    return fetch(url, { method, body, headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json", ...headers } });
  }

  /** Waits until the coordinator has the source's document. */
  async ready() {
    while ((await this.operate("snapshot")).headers.get("bellwether-state") !== "fresh") await sleep(5);
  }

  stop() {
    return this.workerd.stop();
  }
}

/** The KV service with what it holds, which may be changed at any time. */
export async function playedKv(values, delayMs = KV_DELAY_MS) {
  const kv = await PlayedKv.start(values);
  kv.delayMs = delayMs;
  return kv;
}

function coordinator(port) {
  const settings = { spaces: { default: { source: { kv: "CONFIG_KV", key: "config" }, ttl: `${TTL_MS}ms` } } };
  const object = '(name = "COORDINATOR", durableObjectNamespace = "Coordinator")';
  const bindings = [object, binding("BELLWETHER", "json", JSON.stringify(settings)), binding("BELLWETHER_TOKENS", "text", TOKENS), KV_BINDING];
  return { name: "coordinator", modules: modulesOf("build"), object: "Coordinator", bindings, port };
}

function video(example, name, loader, port) {
  const coldStart = loader === "after-wait" ? { wait: "50ms" } : "base";
  const object = '(name = "COORDINATOR", durableObjectNamespace = (className = "Coordinator", serviceName = "coordinator"))';
  const bindings = [object, KV_BINDING, binding("LOADER", "text", loader), binding("BELLWETHER", "json", JSON.stringify({ reader: { cold_start: coldStart } }))];
  return { name, modules: modulesOf(`target/video-${example}`), bindings, port };
}

/** Every module of a build, its entry first. */
function modulesOf(folder) {
  const kinds = { js: "esModule", mjs: "esModule", wasm: "wasm" };
  const files = readdirSync(join(root, folder), { recursive: true });
  const names = files.filter((name) => name.split(".").pop() in kinds).sort((a, b) => isEntry(b) - isEntry(a));
  return names.map((name) => ({ name, kind: kinds[name.split(".").pop()], file: join(root, folder, name) }));
}

const isEntry = (name) => name === "worker/shim.mjs";
