// What crates/reader/src/setup.js makes of each case of a file: `node setup.mjs CASES`, the outcomes to stdout.
import { readFileSync } from "node:fs";
import { layered, settingsOf } from "../../crates/reader/src/setup.js";

const outcomes = JSON.parse(readFileSync(process.argv[2], "utf8")).map(({ settings, base, vars }) => {
  const given = structuredClone(settings);
  const lines = settingsOf({ BELLWETHER: settings }, "BELLWETHER", "COORDINATOR");
  if (JSON.stringify(given) !== JSON.stringify(settings)) throw new Error("the Worker's own vars were changed");
  const asText = settingsOf({ BELLWETHER: JSON.stringify(settings) }, "BELLWETHER", "COORDINATOR");
  return { lines, asText, base: layered({ BELLWETHER_VARS: vars }, "BELLWETHER_VARS", base) };
});
process.stdout.write(JSON.stringify(outcomes));
