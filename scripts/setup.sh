#!/usr/bin/env bash
# Puts every tool that the project needs into .tools/ and node_modules/; what is there already is not touched.
#   scripts/setup.sh [build] [test] [check]     which parts; all without arguments
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/debian.sh
. scripts/rust-wasm.sh
. scripts/cargo-tools.sh
. scripts/npm-parts.sh
. scripts/promtool.sh
. scripts/python-tools.sh
. scripts/schema-suite.sh

wanted=" ${*:-build test check} "
wants() { [[ "$wanted" == *" $1 "* ]]; }

check_machine() {
  need git "git is missing" "install git, then repeat"
  need cargo "Rust is missing" "install Rust $RUST_MINIMUM or newer (https://rustup.rs), then repeat"
  need cc "a C compiler is missing (Rust links with it)" "install gcc or clang (Debian: apt install build-essential), then repeat"
  need node "Node.js is missing" "install Node.js $NODE_MINIMUM or newer with npm, then repeat"
  need npm "npm is missing" "install npm, then repeat"
  local have
  have="$(rustc --version | cut -d' ' -f2 | cut -d- -f1)"
  version_at_least "$have" "$RUST_MINIMUM" || die "Rust is $have, $RUST_MINIMUM or newer is needed" "run 'rustup update stable', then repeat"
  have="$(node --version)"
  version_at_least "${have#v}" "$NODE_MINIMUM" || die "Node.js is ${have#v}, $NODE_MINIMUM or newer is needed" "install a newer Node.js, then repeat"
}

check_machine
mkdir -p "$TOOLS"
# Two set-ups at once would unpack over each other.
exec 9>"$TOOLS/lock"
if command -v flock >/dev/null && ! flock -n 9; then
  say "  ...   another set-up is running; waiting for it"
  flock 9
fi
if wants build || wants check; then
  step "Rust target $WASM_TARGET" has_wasm_target get_wasm_target
fi
step "npm parts (workerd, wrangler, esbuild, wasm-opt, Node)" has_npm_parts get_npm_parts
if wants build; then
  step "worker-build $WORKER_BUILD_VERSION" has_worker_build get_worker_build
  step "wasm-bindgen $(locked_version wasm-bindgen)" has_wasm_bindgen get_wasm_bindgen
fi
if wants test; then
  step "promtool" has_promtool get_promtool
  step "schemathesis and openapi-spec-validator" has_python_tools get_python_tools
  step "JSON Schema Test Suite $SUITE_VERSION" has_schema_suite get_schema_suite
fi
if wants check; then
  step "cargo-deny $CARGO_DENY_VERSION" has_cargo_deny get_cargo_deny
  step "typos $TYPOS_VERSION" has_typos get_typos
fi
# Only a second tool of the same run gains from it.
rm -rf "$TOOLS/cargo-target"
[ "${steps_done:-0}" -eq 0 ] || say "set-up: ready (${SECONDS} s)"
