// The example for trying by hand: each loader on a port, the coordinator on another, and KV in a file.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONFIG } from "./figures.mjs";
import { KV_DELAY_MS, playedKv, SECRET, Stage, TTL_MS, VIDEO } from "./stage.mjs";
import { LOADERS } from "./trouble.mjs";

export async function serve(example, port) {
  const ports = Object.fromEntries(["after", "before", "cached", "coordinator"].map((name, index) => [name, port + index]));
  const folder = mkdtempSync(join(tmpdir(), "bellwether-example-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "config.json");
  writeFileSync(file, CONFIG);
  const loaders = Object.fromEntries(LOADERS.map((loader) => [loader, loader]));
  if (!(port >= 1 && port <= 65_532)) fail(`there are no four ports from ${process.env.PORT} on`, example);
  await Stage.start(example, loaders, await playedKv({ get config() { return contents(file); } }), ports).catch(() => fail(`workerd does not start on the ports ${port} to ${port + 3}`, example));
  const at = (name, path = VIDEO) => `http://127.0.0.1:${ports[name]}${path}`;
  const space = at("coordinator", "/v1/spaces/default");
  process.stdout.write(`
video-${example} is up. Open, or curl with -i:

  after             ${at("after")}
  before            ${at("before")}
  before, cached    ${at("cached")}
  a 400             ${at("after", "/v/alps/day-1.mp4?width=20")}
  a 404             ${at("after", "/v/alps.mp4")}

KV is this file, read in ${KV_DELAY_MS} ms; change it, break it, remove it:

  ${file}

The coordinator; what it says reaches "after" ${TTL_MS / 1000} s later at most:

  T="Authorization: Bearer ${SECRET}"; J="Content-Type: application/json"
  curl -H "$T" ${space}/status
  curl -X POST -H "$T" ${space}/reload
  curl -X PUT -H "$T" -H "$J" -H "If-Match: *" -d '{"patch":{"video":{"enabled":false}},"expires_in":"1m"}' ${space}/override

Ctrl-C ends all.
`);
}

function fail(reason, example) {
  process.stderr.write(`error: ${reason}\n   do: choose others: make example-${example} PORT=9000\n`);
  process.exit(1);
}

/** As KV has it: nothing where there is nothing. */
function contents(file) {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
