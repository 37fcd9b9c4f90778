# Debian packages unpacked into a folder: no root, nothing installed on the machine.
# shellcheck shell=bash

# debian_fetch DIR PACKAGE: that one package.
debian_fetch() {
  local into="$1" apt="$TOOLS/apt"
  shift
  private_apt_start
  (cd "$apt" && private_apt download "$@") || return 1
  debian_extract "$apt" "$into"
}

# debian_unpack DIR PACKAGE...: the packages and what they need beyond what the machine has.
debian_unpack() {
  local into="$1" apt="$TOOLS/apt"
  shift
  private_apt_start
  private_apt install --yes --download-only --no-install-recommends "$@" || return 1
  debian_extract "$apt/cache/archives" "$into"
}

debian_extract() {
  local deb
  mkdir -p "$2"
  for deb in "$1"/*.deb; do dpkg-deb -x "$deb" "$2"; done
  rm -rf "$apt"
}

private_apt_start() {
  rm -rf "$apt"
  mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
  # Packages that the machine has installed would not be downloaded; the ones asked for must be.
  awk -v RS= -v ORS='\n\n' '!/^Package: (rustc-web|cargo-web|rust-web-|libstd-rust-web|lld-22|libllvm22)/' \
    /var/lib/dpkg/status >"$apt/status"
  private_apt update || true
}

private_apt() {
  apt-get -q -o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache" \
    -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=2 -o Acquire::http::Timeout=20 "$@"
}
