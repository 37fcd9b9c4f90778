// From a document to the Worker's own type: all of it, or nothing.

/** A value that fits; or where one does not, and why: neither may quote the document. */
export type Checked<T = unknown> = readonly [value: T, pointer?: undefined, why?: undefined] | readonly [value: undefined, pointer: string, why: string];

/** What checks a document, and gives it as the Worker's own type. `@bellwether/reader/schema` makes one of a schema. */
export type Validate<T = unknown> = (document: object) => Checked<T>;

/** A document, or the one in this text. */
export function checked(validate: Validate | undefined, document: unknown): Checked {
  try {
    if (typeof document === "string") document = JSON.parse(document);
    if (!isObject(document)) return [undefined, "", "expected an object"];
    // What is no array, a promise above all, ends here.
    return validate ? ([...validate(document)] as never) : [document];
  } catch {
    // The engine's own message would quote the text.
    return [undefined, "", "cannot be read"];
  }
}

export function isObject(value: unknown): value is object {
  return !!value && typeof value === "object" && !Array.isArray(value);
}
