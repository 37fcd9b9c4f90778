#!/usr/bin/env bash
# `make example-ts` and `make example-rust`: builds the example and the coordinator, and runs them (examples/run.mjs).
# SERVE and PORT come from the environment.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
case "${1:-}" in ts | rust) ;; *) die "which example?" "make example-ts, or make example-rust" ;; esac
scripts/setup.sh build
scripts/build.sh
if [ "$1" = rust ]; then
  scripts/build.sh --video-rust
else
  scripts/build-clients.sh
  scripts/build-examples-ts.sh
fi
. scripts/env.sh
exec "$BELLWETHER_NODE" examples/run.mjs "$1"
