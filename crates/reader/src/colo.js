// What the colo tier asks of the platform. Whatever goes wrong becomes a rejected promise.

// An object's identifier: no other deployment's object has it. Nothing where there is no such binding.
export const objectId = (env, binding, space) => env[binding]?.idFromName?.(space).toString();

// For how many seconds the data centre's cache has had it, and on the next line what it is; nothing where it has nothing.
export async function lookUp(key) {
  const found = await caches.default.match(key);
  return found && `${found.headers.get("age")}\n${await found.text()}`;
}

export async function shelve(key, seconds, text) {
  await caches.default.put(key, new Response(text, { headers: { "cache-control": `max-age=${seconds}` } }));
}
