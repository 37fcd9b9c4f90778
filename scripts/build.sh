#!/usr/bin/env bash
# worker-build's release output in build/, the same bytes from any folder of a machine.
#   scripts/build.sh [--with-setup]     as wrangler calls it
#   scripts/build.sh --follower         examples/follower instead, in target/follower/, for the tests
#   scripts/build.sh --lean-rust        examples/lean-rust, for the tests
#   scripts/build.sh --panicker         tests/panicker instead, in target/panicker/, for the tests
#   scripts/build.sh --video-rust       examples/video-rust, for `make example-rust` and the tests
#   scripts/build.sh --empty-rust       bench/empty-rust instead, in target/empty-rust/, for the benchmarks
#   scripts/build.sh --reader-rust      bench/reader-rust, the same
#   scripts/build.sh --reader-rust-own  and with an entry of its own, in target/reader-rust-own/
#   scripts/build.sh --parse-rust       bench/parse-rust, the same
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/rust-wasm.sh
. scripts/env.sh

package=bellwether folder=. out=build sources="src migrations" shim="$ROOT/src/shim.mjs" features=
lean="$ROOT/crates/reader/shim.mjs"
# worker-build takes its output folder relative to the crate's.
case "${1:-}" in
  --follower) package=follower folder=examples/follower out=../../target/follower sources="examples/follower migrations" shim= ;;
  --panicker) package=panicker folder=tests/panicker out=../../target/panicker sources="tests/panicker src/shim.mjs" ;;
  --lean-rust) package=lean-rust folder=examples/lean-rust out=../../target/lean-rust sources=examples/lean-rust shim="$lean" ;;
  --video-rust) package=video-rust folder=examples/video-rust out=../../target/video-rust sources="examples/video-rust examples/video-base.json" shim= ;;
  --reader-rust) package=reader-rust folder=bench/reader-rust out=../../target/reader-rust sources=bench/reader-rust shim= ;;
  --reader-rust-own) package=reader-rust folder=bench/reader-rust out=../../target/reader-rust-own sources=bench/reader-rust shim="$lean" features=own_entry ;;
  --parse-rust) package=parse-rust folder=bench/parse-rust out=../../target/parse-rust sources=bench/parse-rust shim= ;;
  --empty-rust) package=empty-rust folder=bench/empty-rust out=../../target/empty-rust sources=bench/empty-rust shim= ;;
esac
STAMP="$ROOT/target/$package${features:+-$features}-build.stamp"

# Everything that the output depends on.
inputs() {
  {
    # shellcheck disable=SC2086
    find Cargo.toml Cargo.lock package-lock.json $sources crates/*/Cargo.toml crates/*/src crates/reader/*.mjs \
      scripts/build.sh scripts/env.sh scripts/esbuild scripts/wasm-opt scripts/prune-exports.mjs scripts/adapt-validator.mjs -type f -print0 | LC_ALL=C sort -z | xargs -0 cksum
    with_wasm_rust rustc -vV
    "$TOOLS/bin/worker-build" --version
  } | cksum
}

outputs() { (cd "$folder/$out" && cksum index.js index_bg.wasm worker/shim.mjs); }

# Panic messages hold source paths; make them the same everywhere.
remap() {
  local cargo_home dir commit
  cargo_home="${CARGO_HOME:-$HOME/.cargo}"
  printf '%s\x1f' "--remap-path-prefix=$ROOT=/bellwether"
  # The folder below src/ is named after the registry or its mirror.
  for dir in "$cargo_home"/registry/src/*/; do printf '%s\x1f' "--remap-path-prefix=${dir%/}=/crates"; done
  # Where the component rust-src is installed, rustc names std's sources by their place on this machine, elsewhere by
  # its commit: make it the commit in both cases.
  commit="$(with_wasm_rust rustc -vV | sed -n 's/^commit-hash: \([0-9a-f]\{40\}\)$/\/\1/p')"
  printf '%s' "--remap-path-prefix=$(with_wasm_rust rustc --print sysroot)/lib/rustlib/src/rust=/rustc$commit"
}

# std is compiled along, without the code that makes texts of panics: 11 KB less (gzipped), and nobody would read them,
# for a panic ends the instance all the same. Not stable yet, hence RUSTC_BOOTSTRAP; older compilers know it as a
# feature of std.
STD_FEATURES=optimize_for_size STD_FLAG=$'\x1f-Zunstable-options\x1f-Cpanic=immediate-abort'
knows_immediate_abort() {
  RUSTC_BOOTSTRAP=1 with_wasm_rust rustc -Zunstable-options -Cpanic=immediate-abort --print cfg >/dev/null 2>&1
}

main() {
  local want
  [ "${1:-}" != --with-setup ] || scripts/setup.sh build
  want="$(inputs)"
  if [ "$(cat "$STAMP" 2>/dev/null)" != "$want $(outputs 2>/dev/null)" ]; then
    build
    printf '%s' "$want $(outputs)" >"$STAMP"
    [ "$package" != bellwether ] || scripts/bundle-size.sh
  fi
}

build() {
  say "build: $package"
  mkdir -p target
  rm -f "$STAMP"
  # The sources must be in place before their folders are listed.
  with_wasm_rust cargo fetch --locked --quiet --target "$WASM_TARGET" || die "the crates could not be downloaded" "check the network, then repeat"
  knows_immediate_abort || STD_FEATURES="$STD_FEATURES,panic_immediate_abort" STD_FLAG=
  "$BELLWETHER_NODE" scripts/adapt-validator.mjs || die "the validator could not be adapted" "read the message above"
  # With --target given, these flags reach the wasm code only; native builds keep their cache.
  (cd "$folder" && RUSTC_BOOTSTRAP=1 BELLWETHER_SHIM="$shim" CARGO_ENCODED_RUSTFLAGS="$(remap)$STD_FLAG" \
    with_wasm_rust "$TOOLS/bin/worker-build" --release --out-dir "$out" \
    -- --locked --package "$package" ${features:+--features "$features"} -Zbuild-std=std,panic_abort "-Zbuild-std-features=$STD_FEATURES") || die "the build failed" "read the compiler's message above"
  rm -f "$folder/$out"/{package.json,.gitignore,entry.mjs}
}

main "$@"
