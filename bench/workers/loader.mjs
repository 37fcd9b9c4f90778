// Loads the Worker that is measured into a new isolate for each request. `MODULES` tells what is in the bindings
// `MODULE_0` and so on; `SERVICES` which of the Worker's bindings stand for what workerd passes to no loaded Worker.
import loaded from "./loaded.js";

const ENTRY = "bench-entry.js";
let isolates = 0;

export default {
  fetch(request, env) {
    isolates += 1;
    const worker = env.LOADER.get(`isolate-${isolates}`, () => {
      const modules = { [ENTRY]: { js: loaded.replace("WORKER", env.MODULES[0].name) } };
      for (const [index, { name, kind }] of env.MODULES.entries()) modules[name] = { [kind]: env[`MODULE_${index}`] };
      const passed = { ...env.VARS, SERVICES: env.SERVICES };
      for (const { as } of env.SERVICES) passed[as] = env[as];
      return { compatibilityDate: env.DATE, compatibilityFlags: env.FLAGS, mainModule: ENTRY, modules, env: passed };
    });
    return worker.getEntrypoint().fetch(request);
  },
};
