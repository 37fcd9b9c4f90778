// What a document must be in the vectors, as tests/readers/fit.rs says it: sections `a` and `b`, which are numbers.

import type { Validate } from "../src/index.ts";

export const fits: Validate<any> = (document: any) => {
  if ("base" in document) return [document];
  const name = ["a", "b"].find((name) => typeof document[name] !== "number");
  return name ? [undefined, `/${name}`, "expected a number"] : [document];
};
