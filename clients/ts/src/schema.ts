// From a document to the Worker's own type: all of it, or nothing.

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

/** A value that fits; or where one does not, and why, which never quotes it: a schema's own messages may. */
export type Checked = [value: unknown, pointer?: undefined, why?: undefined] | [value: undefined, pointer: string, why: string];

/** A document, or the one in this text. */
export function checked(schema: StandardSchema | undefined, document: unknown): Checked {
  try {
    if (typeof document === "string") document = JSON.parse(document);
    if (!isObject(document)) return [undefined, "", "expected an object"];
    if (!schema) return [document];
    const result = schema["~standard"].validate(document);
    // A promise is no answer either.
    if ("value" in result && !result.issues) return [result.value];
    const path = (result as { issues?: Issue[] }).issues?.[0]?.path ?? [];
    return [undefined, path.map(token).join(""), "refused by " + schema["~standard"].vendor];
  } catch {
    // The engine's own message would quote the text.
    return [undefined, "", "not JSON, or the schema failed"];
  }
}

export function isObject(value: unknown): value is object {
  return !!value && typeof value === "object" && !Array.isArray(value);
}

function token(part: PropertyKey | { readonly key: PropertyKey }): string {
  const key = String(typeof part === "object" ? part.key : part);
  return "/" + key.replaceAll("~", "~0").replaceAll("/", "~1");
}
