# Rust's std for wasm32, and its sources, with which the release build makes a smaller one: by rustup where its server
# answers, else from Debian's packages, unpacked into .tools/rust. That needs no root and installs nothing on the machine.
# shellcheck shell=bash

RUST_DEBIAN="$TOOLS/rust"
DEBIAN_PACKAGES="rustc-web cargo-web rust-web-clippy rust-web-src lld-22"
RUST_MINIMUM=1.91.0

has_wasm_target_by_rustup() {
  local dir
  [ "${BELLWETHER_RUST:-}" != debian ] || return 1 # to try the fallback where rustup works
  dir="$(rustc --target "$WASM_TARGET" --print target-libdir)" && compgen -G "$dir/libstd-*.rlib" &&
    [ -e "$(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ]
}

has_wasm_target_by_debian() { [ -e "$RUST_DEBIAN/complete-2" ] && "$RUST_DEBIAN/bin/rustc" --version; }

has_wasm_target() { has_wasm_target_by_rustup || has_wasm_target_by_debian; }

get_wasm_target() {
  if [ "${BELLWETHER_RUST:-}" != debian ] && command -v rustup >/dev/null && add_target_by_rustup && has_wasm_target_by_rustup; then return; fi
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
    give_up "Rust's $WASM_TARGET target is missing and could not be downloaded" \
      "run 'rustup target add $WASM_TARGET' with a working network, then repeat"
  fi
  rm -rf "$RUST_DEBIAN"
  mkdir -p "$RUST_DEBIAN"
  # shellcheck disable=SC2086
  debian_unpack "$RUST_DEBIAN" $DEBIAN_PACKAGES || give_up \
    "Rust's $WASM_TARGET target came neither from rustup nor from Debian packages (no network?)" \
    "check the network or run 'rustup target add $WASM_TARGET', then repeat"
  write_rust_wrappers
  local version
  version="$("$RUST_DEBIAN/bin/rustc" --version | cut -d' ' -f2)"
  version_at_least "$version" "$RUST_MINIMUM" || give_up "Debian's rustc-web is $version, $RUST_MINIMUM is needed" \
    "run 'rustup target add $WASM_TARGET' with a working network, then repeat"
  build_std
  touch "$RUST_DEBIAN/complete-2"
}

# rustup waits minutes, and more than once, for a server that does not answer.
add_target_by_rustup() {
  RUSTUP_MAX_RETRIES=1 timeout 300 rustup target add "$WASM_TARGET" && RUSTUP_MAX_RETRIES=1 timeout 300 rustup component add rust-src
}

# The packages expect their libraries under /usr/lib; wrappers tell the loader where they are instead.
write_rust_wrappers() {
  local name lib
  lib="$(dirname "$(ls "$RUST_DEBIAN"/usr/lib/*/librustc_driver-*.so)")"
  mkdir -p "$RUST_DEBIAN/bin"
  for name in rustc rustdoc cargo cargo-clippy clippy-driver wasm-ld; do
    local real="usr/bin/$name"
    [ "$name" != wasm-ld ] || real="usr/lib/llvm-22/bin/wasm-ld"
    # Relative to the wrapper, so that the project's folder can be moved.
    printf '#!/bin/sh\nhere="${0%%/*}/.."\nLD_LIBRARY_PATH="$here/%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/%s" "$@"\n' \
      "${lib#"$RUST_DEBIAN"/}" "$real" >"$RUST_DEBIAN/bin/$name"
    chmod +x "$RUST_DEBIAN/bin/$name"
  done
}

# Once per machine: std for wasm32 from Debian's sources, with no path of this machine in it.
build_std() {
  local lib="$RUST_DEBIAN/usr/lib/rustlib/$WASM_TARGET/lib" sources
  # cargo names crates by their path relative to the workspace: keep the workspace above the sources,
  # so that two folders give the same symbols.
  cd "$RUST_DEBIAN"
  sources="$(cd usr/lib/rustlib/src/rust && pwd -P)"
  mkdir -p src
  echo '#![no_std]' >src/lib.rs
  printf '[package]\nname = "stdbuild"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >Cargo.toml
  # Bitcode is what lto = true of the real build reads.
  env -u RUSTFLAGS -u RUSTUP_TOOLCHAIN PATH="$RUST_DEBIAN/bin:$PATH" RUSTC_BOOTSTRAP=1 RUSTC="$RUST_DEBIAN/bin/rustc" \
    CARGO_ENCODED_RUSTFLAGS="-Cembed-bitcode=yes"$'\x1f'"--remap-path-prefix=$sources=/rustc"$'\x1f'"--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" \
    CARGO_TARGET_DIR="$RUST_DEBIAN/target" \
    "$RUST_DEBIAN/bin/cargo" build --release --target "$WASM_TARGET" -Z build-std=std,panic_abort,proc_macro
  mkdir -p "$lib"
  cp "target/$WASM_TARGET/release/deps/"*.rlib "$lib/"
  rm -rf "$lib"/libstdbuild* target src Cargo.toml Cargo.lock usr/share
}
