// What a Worker's own entry needs beside the wasm module's exports, in place of worker-build's, whose proxies cost every
// request: a new instance of it after a panic. A panic is a trap here (`panic=abort`): the request that met it fails, and the
// instance, whose memory may be broken, serves no other. An error of JavaScript that goes through wasm is its end as well.
import * as wasm from "./index.js";

let isBroken = false;
// How many instances there were before this one.
let generation = 0;
// What tells it from others, where the module has such a thing.
let serving = wasm.instance?.();
const listeners = [];

// Whoever calls the instance tells of each error.
export function note(error) {
  if (error instanceof WebAssembly.RuntimeError) isBroken = true;
  // What meets a broken instance has its own errors.
  else if (isBroken || wasm.instance?.() === serving) return;
  else renewed();
  console.error(JSON.stringify({ level: "error", event: "panic", detail: String(error) }));
  for (const listener of listeners) listener(error);
}

// Told of each end of an instance.
export const onPanic = (listener) => void listeners.push(listener);

// What runs in a timer or where a promise is kept has no caller that would tell.
addEventListener("error", ({ error }) => note(error));
addEventListener("unhandledrejection", ({ reason }) => note(reason));

// The number of the instance that serves from now on.
export function current() {
  if (isBroken) {
    wasm.__wbg_reset_state();
    isBroken = false;
    renewed();
  }
  return generation;
}

function renewed() {
  generation += 1;
  serving = wasm.instance?.();
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
