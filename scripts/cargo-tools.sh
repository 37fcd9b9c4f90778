# Tools that come as crates, installed under .tools/bin.
# shellcheck shell=bash

WORKER_BUILD_VERSION=0.8.7
CARGO_DENY_VERSION=0.20.2
TYPOS_VERSION=1.42.0

# cargo_tool CRATE VERSION [OPTION...]: these tools run for a second or two, so compile time is what counts.
cargo_tool() {
  local crate="$1" version="$2"
  shift 2
  env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u RUSTC_WRAPPER \
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=256 CARGO_PROFILE_RELEASE_LTO=off \
    CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_PROFILE_RELEASE_PANIC=unwind \
    cargo install "$crate" --version "=$version" --root "$TOOLS" --target-dir "$TOOLS/cargo-target" --no-track --force "$@"
}

tool_is() { [ "$("$TOOLS/bin/$1" --version | awk '{ print $NF }')" = "$2" ]; }

has_worker_build() { tool_is worker-build "$WORKER_BUILD_VERSION"; }
get_worker_build() { cargo_tool worker-build "$WORKER_BUILD_VERSION" --locked; }

has_wasm_bindgen() { tool_is wasm-bindgen "$(locked_version wasm-bindgen)"; }
# Without --locked: the lock file that 0.2.130 ships does not resolve.
get_wasm_bindgen() { cargo_tool wasm-bindgen-cli "$(locked_version wasm-bindgen)"; }

has_cargo_deny() { tool_is cargo-deny "$CARGO_DENY_VERSION"; }
get_cargo_deny() { cargo_tool cargo-deny "$CARGO_DENY_VERSION" --locked --no-default-features; }

has_typos() { tool_is typos "$TYPOS_VERSION"; }
get_typos() { cargo_tool typos-cli "$TYPOS_VERSION" --locked; }
