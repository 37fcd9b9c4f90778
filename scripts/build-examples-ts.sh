#!/usr/bin/env bash
# The examples in TypeScript, checked and bundled as wrangler would, in target/. scripts/build-clients.sh has run before.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/env.sh
for example in video-ts openfeature-ts; do
  node_modules/.bin/tsc -p "examples/$example"
  # `async_hooks` as wrangler has it for `nodejs_compat`.
  "$ESBUILD_BIN" "examples/$example/index.ts" --bundle --format=esm --target=es2022 --outfile="target/$example/index.js" \
    --alias:@bellwether/reader=./clients/ts/dist/index.js --alias:@bellwether/reader/schema=./clients/ts/dist/schema.js \
    --alias:@bellwether/openfeature=./clients/openfeature/dist/index.js --alias:async_hooks=node:async_hooks --external:node:* \
    --log-level=warning
done
