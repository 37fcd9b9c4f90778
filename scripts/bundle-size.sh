#!/usr/bin/env bash
# Reports what a deployment uploads, gzipped; with --enforce fails when it is over the limit.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

LIMIT_KB=180

gzipped() { gzip -9 -n -c "$1" | wc -c; }

wasm="$(gzipped build/index_bg.wasm)"
js="$(gzipped build/index.js)"
total=$((wasm + js))
say "bundle: $total bytes gzipped (wasm $wasm, js $js), limit $LIMIT_KB KB"
[ "${1:-}" != --enforce ] || [ "$total" -le $((LIMIT_KB * 1024)) ] || die "the bundle is over its limit of $LIMIT_KB KB gzipped" "look for what grew with 'cargo tree -e normal --target $WASM_TARGET'"
