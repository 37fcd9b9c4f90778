// The Worker's entry, in place of worker-build's own, whose proxies cost every request: what the wasm module exports, and
// a new instance of it after a panic. A panic is a trap here (`panic=immediate-abort`): the request that met it fails,
// and the instance, whose memory may be broken, serves no other.
import * as wasm from "./index.js";

let isBroken = false;
let generation = 0;
// How to fail what the objects here have promised: the instance that was to keep it is gone. The platform fails by
// itself what nobody will answer any more, but not in an object.
const promised = new Set();

function note(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  console.error(JSON.stringify({ level: "error", event: "panic", detail: String(error) }));
  isBroken = true;
  for (const fail of promised) fail(error);
  promised.clear();
}

// In a task, no caller gets to know of it.
addEventListener("error", (event) => note(event.error));

function renew() {
  wasm.__wbg_reset_state();
  isBroken = false;
  generation += 1;
}

export default {
  fetch(request, env, context) {
    if (isBroken) renew();
    try {
      return wasm.fetch(request, env, context);
    } catch (error) {
      note(error);
      throw error;
    }
  },
};

export class Coordinator {
  #made = -1;

  constructor(state, env) {
    this.state = state;
    this.env = env;
  }

  // An object outlives its instance: what it kept there is read from storage again.
  #object() {
    if (isBroken) renew();
    if (this.#made !== generation) {
      this.object = new wasm.Coordinator(this.state, this.env);
      this.#made = generation;
    }
    return this.object;
  }

  fetch(request) {
    try {
      return kept(this.#object().fetch(request));
    } catch (error) {
      note(error);
      throw error;
    }
  }

  alarm() {
    try {
      return kept(this.#object().alarm());
    } catch (error) {
      note(error);
      throw error;
    }
  }
}

// Not Promise.race: what is raced against would hold on to all that ever ran.
function kept(answer) {
  if (!(answer instanceof Promise)) return answer;
  return new Promise((resolve, reject) => {
    promised.add(reject);
    answer.then(resolve, reject).finally(() => promised.delete(reject));
  });
}
