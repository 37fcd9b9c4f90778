#!/usr/bin/env bash
# Every test. Set-up and build have run before: the end-to-end tests start what they left.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/env.sh

say "test:"
cargo test --workspace --locked
