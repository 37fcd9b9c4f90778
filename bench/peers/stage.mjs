// What all peers of a part share, and one of them started on it.
import { PlayedEndpoint } from "../lib/endpoint.mjs";
import { PlayedKv } from "../lib/kv.mjs";
import { Load } from "../lib/load.mjs";
import { quoted, Workerd } from "../lib/workerd.mjs";
import { asDeployed, asLoaded, PLAYED_KV } from "./deploy.mjs";
import { answerTo, documents, growthbookCache } from "./documents.mjs";

export class Stage {
  static async start(bytes, delayMs = 0) {
    const stage = new Stage();
    stage.documents = documents(bytes);
    stage.kv = await PlayedKv.start(stage.documents.kv);
    stage.endpoint = await PlayedEndpoint.start(stage.documents);
    Object.assign(stage.documents.kv, growthbookCache(stage.documents.growthbook, stage.endpoint.url));
    stage.kv.delayMs = stage.endpoint.delayMs = delayMs;
    return stage;
  }

  stop() {
    return Promise.all([this.kv.stop(), this.endpoint.stop()]);
  }

  // A process with this peer and what stands behind it, which is up; `isLoaded` where each request is to get an isolate of
  // its own. The peer itself was asked nothing yet.
  async run(peer, lookups, { isLoaded = false } = {}) {
    const { worker, behind = [], prepare = () => {} } = peer;
    const kv = external(PLAYED_KV, this.kv.address);
    const workerd = isLoaded ? await loaded(worker, behind, kv) : await Workerd.start([worker, ...behind].map(asDeployed), [kv]);
    const { path, headers, whole } = peer.ask(lookups);
    const running = {
      workerd,
      load: new Load(workerd.ports[worker.name], path, headers),
      expected: whole ? null : answerTo(lookups),
      callsNote: peer.callsNote,
    };
    running.calls = async () => this.kv.calls + this.endpoint.calls + ((await peer.calls?.(workerd.ports)) ?? 0);
    try {
      await prepare(workerd.ports);
    } catch (error) {
      await workerd.stop();
      throw error;
    }
    return running;
  }
}

// V8 drops what it has compiled of wasm, of all isolates of a process, whenever one of them begins (performance-notes.md):
// an object would begin anew with each measured isolate. So it stands in a process of its own, as on the platform, unless
// the peer reaches it by a binding that ends with the process.
async function loaded(worker, behind, kv) {
  const [loader, ...relays] = asLoaded(worker);
  if (relays.length === 0) return Workerd.start([loader, ...behind].map(asDeployed), [kv]);
  const far = await Workerd.start([...relays, ...behind].map(asDeployed), [kv]);
  try {
    const more = relays.map(({ name }) => external(name, `127.0.0.1:${far.ports[name]}`));
    return (await Workerd.start([asDeployed(loader)], [kv, ...more])).before(far);
  } catch (error) {
    await far.stop();
    throw error;
  }
}

const external = (name, address) => `(name = ${quoted(name)}, external = (address = ${quoted(address)}, http = ()))`;

// Whether an answer is the one that all peers must give.
export function mustBe({ status, text }, expected, name) {
  if (status !== 200 || (expected !== null && text !== expected))
    throw new Error(`${name}: ${status} ${text.slice(0, 300)}, not 200 ${expected ?? ""}`);
}
