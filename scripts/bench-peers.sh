#!/usr/bin/env bash
# `make bench`: builds the peers and measures them (bench/run.mjs). QUICK=1 for a short run, ONLY=text for some parts.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/env.sh
scripts/build-clients.sh
for package in --empty-rust --reader-rust; do scripts/build.sh "$package"; done
for worker in kv.mjs memory.mjs object.mjs twin.mjs reader.ts; do
  "$ESBUILD_BIN" "bench/workers/$worker" --bundle --format=esm --target=es2022 --outfile="target/bench/${worker%.*}.js" --log-level=warning
done
exec "$BELLWETHER_NODE" bench/run.mjs
