// The Worker's entry, in place of worker-build's own: the front, and the object in as many lines as it takes to outlive an
// instance of the wasm module.
import { current, fetch, note, onPanic } from "./entry.mjs";
import * as wasm from "./index.js";

// How to fail what the objects here have promised: the instance that was to keep it is gone. The platform fails by
// itself what nobody will answer any more, but not in an object.
const promised = new Set();

onPanic((error) => {
  for (const fail of promised) fail(error);
  promised.clear();
});

export default { fetch };

export class Coordinator {
  #made = -1;

  constructor(state, env) {
    this.state = state;
    this.env = env;
  }

  // An object outlives its instance: what it kept there is read from storage again.
  #object() {
    const generation = current();
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
