#!/usr/bin/env bash
# examples/video-ts, checked and bundled as wrangler would, in target/video-ts/. scripts/build-clients.sh has run before.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/env.sh
node_modules/.bin/tsc -p examples/video-ts
"$ESBUILD_BIN" examples/video-ts/index.ts --bundle --format=esm --target=es2022 --outfile=target/video-ts/index.js \
  --alias:@bellwether/reader=./clients/ts/dist/index.js --alias:@bellwether/reader/schema=./clients/ts/dist/schema.js --log-level=warning
