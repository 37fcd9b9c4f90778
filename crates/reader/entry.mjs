// What a Worker's own entry needs beside the wasm module's exports, in place of worker-build's, whose proxies cost every
// request: a new instance of it after a panic. A panic is a trap here (`panic=abort`): the request that met it fails, and the
// instance, whose memory may be broken, serves no other.
import * as wasm from "./index.js";

let isBroken = false;
// How many instances there were before this one.
let generation = 0;
const listeners = [];

// Whether an error is the end of the instance: whoever calls it tells of each.
export function note(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  console.error(JSON.stringify({ level: "error", event: "panic", detail: String(error) }));
  isBroken = true;
  for (const listener of listeners) listener(error);
}

// Told of each panic.
export const onPanic = (listener) => void listeners.push(listener);

// In a task, no caller gets to know of it.
addEventListener("error", (event) => note(event.error));

// The number of the instance that serves from now on.
export function current() {
  if (isBroken) {
    wasm.__wbg_reset_state();
    isBroken = false;
    generation += 1;
  }
  return generation;
}

export function fetch(request, env, context) {
  current();
  try {
    return wasm.fetch(request, env, context);
  } catch (error) {
    note(error);
    throw error;
  }
}
