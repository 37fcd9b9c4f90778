#!/usr/bin/env bash
# The fault simulator (docs/simulation.md). Options come by the environment: SEED SEEDS DAYS WITHOUT ISOLATES.
#   scripts/simulate.sh              hunt
#   scripts/simulate.sh defects      hunt deliberate defects, in a damaged copy of the core
#   scripts/simulate.sh branches     hunt in that copy, and tell which branches of decisions were reached
#   scripts/simulate.sh test         the share of `make test`: the regressions, fresh seeds, defects and branches
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

LABORATORY="$ROOT/target/laboratory"
OPTIONS=()

option() { [ -z "$2" ] || OPTIONS+=("$1" "$2"); }

build() { cargo build --profile simulation --quiet --package bellwether-simulation "$@"; }

hunt() {
  build --locked --bin simulate
  "$ROOT/target/simulation/simulate" "$@"
}

# With a target folder of its own: cargo takes the copied core for the product's, and would link one for the other. The
# copy's lock file loses the members that are not copied, so it is not held to the letter.
laboratory() {
  build --locked --bin laboratory
  "$ROOT/target/simulation/laboratory" "$LABORATORY"
  (cd "$LABORATORY" && CARGO_TARGET_DIR="$LABORATORY/target" build --features laboratory --bin simulate)
}

# Of worlds that are known: a branch that is seldom come to must not fail a run by chance.
branches() {
  "$LABORATORY/target/simulation/simulate" --seed 1 --seeds 400 --days 2000 "$@" --branches tests/simulation/unreached.toml
}

need cargo "cargo is missing" "install Rust, see rustup"
option --seed "${SEED:-}"
option --seeds "${SEEDS:-}"
option --days "${DAYS:-}"
option --without "${WITHOUT:-}"
option --isolates "${ISOLATES:-}"

case "${1:-}" in
  "") hunt "${OPTIONS[@]}" ;;
  defects)
    laboratory
    "$LABORATORY/target/simulation/simulate" --defects "${OPTIONS[@]}"
    ;;
  branches)
    laboratory
    branches "${OPTIONS[@]}"
    ;;
  test)
    hunt --days 2000 --regressions tests/simulation/regressions.txt
    laboratory
    # Of known worlds, too: some defects show in one world of fifty, and must not hide by chance.
    "$LABORATORY/target/simulation/simulate" --defects --seed 1
    branches
    ;;
  *) die "scripts/simulate.sh $1: no such part" "read the head of this file" ;;
esac
