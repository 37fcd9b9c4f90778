#!/usr/bin/env bash
# The npm packages in clients/, as they are published: a minified module for each entry and its types, in clients/*/dist/.
#   scripts/build-clients.sh             builds, and the Worker that the tests follow with, in target/follower-ts/
#   scripts/build-clients.sh --enforce   and fails when the reader is over its limit
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/env.sh

LIMIT_BYTES=3072

# Properties that stand in no public type: their names need not be readable in what is published.
INTERNAL='^(ahead|born|lease|sent|switched|plan|planAhead|receive|mayServe|look|view|known|minimum|share|swr|in|body)$'

rm -rf clients/{ts,openfeature}/dist
mkdir -p clients/ts/dist
# What an entry renames has that name in the ones after it: some hand such properties to each other.
renamed="$(mktemp -d)"
trap 'rm -rf "$renamed"' EXIT
printf '{}' > "$renamed/names.json"
for entry in index colo report schema vars; do
  "$ESBUILD_BIN" "clients/ts/src/$entry.ts" --bundle --minify --mangle-props="$INTERNAL" --mangle-cache="$renamed/names.json" \
    --format=esm --target=es2022 --outfile="clients/ts/dist/$entry.js" --log-level=warning
done
node_modules/.bin/tsc -p clients/ts

"$ESBUILD_BIN" clients/openfeature/src/index.ts --bundle --minify --format=esm --target=es2022 \
  --outfile=clients/openfeature/dist/index.js --log-level=warning
node_modules/.bin/tsc -p clients/openfeature

# Whoever depends on the package sees its types as they are published.
node_modules/.bin/tsc -p clients/ts/test/worker
"$ESBUILD_BIN" clients/ts/test/worker/index.ts --bundle --format=esm --target=es2022 --outfile=target/follower-ts/index.js \
  --alias:@bellwether/reader=./clients/ts/dist --log-level=warning

size="$(gzip -9 -n -c clients/ts/dist/index.js | wc -c)"
for entry in clients/ts/dist/*.js clients/openfeature/dist/index.js; do
  say "  ${entry#clients/}: $(gzip -9 -n -c "$entry" | wc -c) bytes gzipped"
done
say "reader for TypeScript: $size bytes gzipped, limit $LIMIT_BYTES"
[ "${1:-}" != --enforce ] || [ "$size" -le "$LIMIT_BYTES" ] || die "the reader is over its limit of $LIMIT_BYTES bytes gzipped" "look for what grew in clients/ts/src"
