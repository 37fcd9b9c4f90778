#!/usr/bin/env bash
# Everything that reads the code without running it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/rust-wasm.sh
. scripts/env.sh

check() {
  local label="$1" started=$SECONDS
  shift
  say "check: $label"
  "$@" || die "$label failed" "read the lines above; 'make fmt' repairs the format"
  [ $((SECONDS - started)) -lt 5 ] || say "       ($((SECONDS - started)) s)"
}

scripts_parse() {
  local script
  for script in scripts/*.sh scripts/esbuild scripts/wasm-opt .ci/run; do bash -n "$script"; done
  for script in scripts/*.mjs src/*.mjs src/schema/*.mjs crates/reader/*.mjs tests/schema/*.mjs bench/*.mjs bench/*/*.mjs examples/*.mjs examples/lib/*.mjs; do "$BELLWETHER_NODE" --check "$script"; done
}

check "format" cargo fmt --all --check
check "scripts" scripts_parse
check "clippy" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
check "clippy for $WASM_TARGET" with_wasm_rust cargo clippy --locked --quiet --target "$WASM_TARGET" \
  --package bellwether --package bellwether-core --package bellwether-reader --package follower \
  --package panicker --package empty-rust --package lean-rust --package reader-rust --package parse-rust --package video-rust -- -D warnings
check "clippy of own entry" with_wasm_rust cargo clippy --locked --quiet --target "$WASM_TARGET" \
  --package follower --package reader-rust --features reader-rust/own_entry -- -D warnings
check "docs" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
# Not advisories: their database comes from a host that a machine with registries only cannot reach.
check "deny" cargo deny --log-level warn --locked check bans licenses sources
check "typos" typos
check "TypeScript" "$BELLWETHER_NODE" node_modules/typescript/bin/tsc -p clients/ts/test
check "OpenFeature provider" "$BELLWETHER_NODE" node_modules/typescript/bin/tsc -p clients/openfeature/test
check "bundle" scripts/bundle-size.sh --enforce
check "reader for TypeScript" scripts/build-clients.sh --enforce
check "example in TypeScript" "$BELLWETHER_NODE" node_modules/typescript/bin/tsc -p examples/video-ts
