#!/usr/bin/env bash
# Every test. Set-up and build have run before: the end-to-end tests start what they left.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/env.sh

# The reader for TypeScript Workers, as it is published.
scripts/build-clients.sh
# The Worker that the tests of the reader's typed sections follow with.
scripts/build.sh --follower
scripts/build.sh --panicker
# A Rust Worker with an entry of its own.
scripts/build.sh --lean-rust
# The examples before and after.
scripts/build.sh --video-rust
scripts/build-examples-ts.sh

say "test:"
# The tests mostly wait for workerd: more of them at a time than there are cores.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-8}"
cargo test --workspace --locked
# Once more as a Worker that embeds the reader builds it: without the feature exact_numbers.
cargo test --package bellwether-core --locked

# What the benchmarks stand on; they themselves are no tests.
"$BELLWETHER_NODE" --test bench/test/lib.test.mjs

# Fresh seeds each time; a failure prints the command that shows it again.
scripts/simulate.sh test
