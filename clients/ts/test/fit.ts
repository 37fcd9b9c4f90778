// What a document must be in the vectors, as tests/readers/fit.rs says it: sections `a` and `b`, which are numbers.

import type { StandardSchema } from "../src/index.ts";

export const fits: StandardSchema<any> = {
  "~standard": {
    version: 1,
    vendor: "the vectors",
    validate(document: any) {
      if ("base" in document) return { value: document };
      const name = ["a", "b"].find((name) => typeof document[name] !== "number");
      return name ? { issues: [{ message: `found ${document[name]}`, path: [name] }] } : { value: document };
    },
  },
};
