#!/usr/bin/env bash
# `make scale`: a fleet of up to a million isolates over one coordinator, simulated, into docs/scale.md and docs/scale/.
# Options come by the environment: FLEET and LATENCY (files), SEED, QUICK=1, OUT (a folder); --help tells more.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

OPTIONS=("$@")

option() { [ -z "$2" ] || OPTIONS+=("$1" "$2"); }

need cargo "cargo is missing" "install Rust, see rustup"
option --latency "${LATENCY:-}"
option --fleet "${FLEET:-}"
option --seed "${SEED:-}"
option --out "${OUT:-}"
[ -z "${QUICK:-}" ] || OPTIONS+=(--quick)

cargo build --profile simulation --quiet --locked --package bellwether-scale
exec "$ROOT/target/simulation/scale" "${OPTIONS[@]}"
