// The entry of a Worker in an isolate that was loaded: it makes namespaces of the services that it was passed for them.
import worker from "WORKER";

const STAND_INS = {
  object: (service) => ({ idFromName: (name) => name, get: () => service, getByName: () => service }),
  kv: (service) => ({
    async get(key, type) {
      const reply = await service.fetch(`http://kv/${encodeURIComponent(key)}`);
      if (!reply.ok) return null;
      return type === "json" ? reply.json() : reply.text();
    },
    put: (key, body) => service.fetch(`http://kv/${encodeURIComponent(key)}`, { method: "PUT", body }),
  }),
  service: (service) => service,
};

let ready;

function prepare({ SERVICES, ...env }) {
  for (const { name, as, kind } of SERVICES) env[name] = STAND_INS[kind](env[as]);
  return env;
}

export default {
  fetch(request, env, context) {
    ready ??= prepare(env);
    return typeof worker === "function" ? new worker(context, ready).fetch(request) : worker.fetch(request, ready, context);
  },
};
