// The reader for TypeScript Workers.
import { createReader } from "../../clients/ts/dist/index.js";
import { answer } from "./shared.mjs";

const config = createReader<{ items: { width: number }[] }>({
  binding: "COORDINATOR",
  coldStart: { wait: 5_000 },
  onExpired: { wait: 5_000 },
  base: { items: [] },
});

export default {
  fetch(request: Request, env: unknown, context: ExecutionContext) {
    const read = config.read(env as never, context);
    return read instanceof Promise ? read.then(({ value }) => answer(request, value)) : answer(request, read.value);
  },
};
