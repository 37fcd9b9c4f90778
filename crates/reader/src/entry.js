// A promise that wasm settles, without the functions that wasm-bindgen would make for each one; behind the response of a
// request where its context is given.
export function deferred(context) {
  const ends = Promise.withResolvers();
  context?.waitUntil(ends.promise);
  return ends;
}

export const settle = ({ resolve, reject }, value, isError) => (isError ? reject : resolve)(value);

// Not the crate worker's `Delay`, which wakes before it is over.
export function timer(ms) {
  const { promise, resolve } = Promise.withResolvers();
  return { promise, id: setTimeout(resolve, ms) };
}

export const stop = ({ id }) => clearTimeout(id);
