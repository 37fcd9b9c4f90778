// The whole entry of a Worker that exports a `fetch` of its own.
import { fetch } from "./entry.mjs";

export default { fetch };
