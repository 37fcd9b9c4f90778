# Sourced after lib.sh: the tools, under the names that worker-build and the tests look for.
# shellcheck shell=bash

export WASM_BINDGEN_BIN="$TOOLS/bin/wasm-bindgen"
export WASM_OPT_BIN="$ROOT/scripts/wasm-opt"
export ESBUILD_BIN="$ROOT/scripts/esbuild"

# wrangler's own Node before the machine's, which may be too old for it.
export PATH="$ROOT/node_modules/.bin:$TOOLS/bin:$PATH"

export BELLWETHER_BUILD="$ROOT/build"
export BELLWETHER_FOLLOWER_BUILD="$ROOT/target/follower"
export BELLWETHER_TYPESCRIPT_FOLLOWER_BUILD="$ROOT/target/follower-ts"
export BELLWETHER_NODE="$ROOT/node_modules/.bin/node"
export BELLWETHER_WRANGLER="$ROOT/node_modules/wrangler/bin/wrangler.js"
export BELLWETHER_PROMTOOL="$TOOLS/bin/promtool"
export BELLWETHER_SCHEMATHESIS="$TOOLS/bin/schemathesis"
export BELLWETHER_OPENAPI_SPEC_VALIDATOR="$TOOLS/bin/openapi-spec-validator"
BELLWETHER_WORKERD="$(compgen -G "$ROOT/node_modules/@cloudflare/workerd-*/bin/workerd" | head -n 1 || true)"
export BELLWETHER_WORKERD

# wrangler sends no reports, looks for no updates and asks no server where it is.
export WRANGLER_SEND_METRICS=false WRANGLER_SEND_ERROR_REPORTS=false WRANGLER_HIDE_BANNER=true CLOUDFLARE_CF_FETCH_ENABLED=false

# with_wasm_rust COMMAND...: run with the toolchain that has std for wasm32.
with_wasm_rust() {
  if [ -e "$RUST_DEBIAN/complete-2" ]; then
    env -u RUSTUP_TOOLCHAIN PATH="$RUST_DEBIAN/bin:$PATH" \
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$RUST_DEBIAN/bin/wasm-ld" "$@"
  else
    "$@"
  fi
}
