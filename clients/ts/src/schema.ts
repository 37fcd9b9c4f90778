// Documents checked by a Standard Schema. An entry of its own: who does not use it does not carry it.

import type { Validate } from "./check.ts";

/** The part of the Standard Schema interface (standardschema.dev) that is used here; zod, valibot and others have it. */
export interface StandardSchema<Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

type Validated<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] };
type Issue = { readonly message: string; readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined };

/** Documents are what this schema makes of them. Its own messages are not told, for they may quote values. */
export function schema<T>({ "~standard": { validate, vendor } }: StandardSchema<T>): Validate<T> {
  return (document) => {
    const result = validate(document);
    // A promise is no answer either.
    if ("value" in result && !result.issues) return [result.value];
    const path = (result as { issues?: readonly Issue[] }).issues?.[0]?.path ?? [];
    return [undefined, path.map(token).join(""), "refused by " + vendor];
  };
}

function token(part: PropertyKey | { readonly key: PropertyKey }): string {
  const key = String(typeof part === "object" ? part.key : part);
  return "/" + key.replaceAll("~", "~0").replaceAll("/", "~1");
}
