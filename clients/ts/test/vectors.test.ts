// The traces that both readers do, over this one. READER_VECTORS names the files; tests/readers/main.rs sets it.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { Scene } from "./scene.ts";

const FOLDER = new URL("../../../tests/vectors/", import.meta.url);
const files =
  process.env.READER_VECTORS?.split(":") ??
  readdirSync(FOLDER).filter((name) => name.endsWith(".json")).map((name) => new URL(name, FOLDER).pathname);

for (const file of files) {
  const vectors = JSON.parse(readFileSync(file, "utf8"));
  assert(vectors.length > 0, file);
  test(file, async (t) => {
    t.after(() => Scene.giveBack());
    for (const { name, reader, steps } of vectors) {
      const scene = new Scene(reader);
      for (const [nth, step] of steps.entries()) {
        const came = await scene.step(step.do);
        assert.deepEqual(came, step.then, `${name}, step ${nth}: ${JSON.stringify(step.do)}`);
      }
    }
  });
}
