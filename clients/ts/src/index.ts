// Follow a Bellwether coordinator from a TypeScript Worker. See README.md beside this package.

export { createReader } from "./reader.ts";
export { ExpiredError } from "./expired.ts";
export type { BaseOf, Context, Env, Named, Namespace, Options, Reader, Service, Transport, Wait } from "./options.ts";
export type { Counts, Pending, Read, ReadState, Rejection, Status } from "./read.ts";
export type { Checked, Validate } from "./check.ts";
