#!/usr/bin/env bash
# `make bench-authority`: what the authority costs, as ratios of peers that take turns in one run on real workerd.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/env.sh
cargo run --quiet --release --locked --package bellwether-tests --bin bench_authority
