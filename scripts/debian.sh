# Debian packages unpacked into a folder: no root, nothing installed on the machine.
# shellcheck shell=bash

# Which of the machine's packages count as there (awk): all but the ones asked for here, which would not be downloaded.
KEPT_PACKAGES='!/^Package: (rustc-web|cargo-web|rust-web-|libstd-rust-web|lld-22|libllvm22)/'

# debian_fetch DIR PACKAGE: that one package.
debian_fetch() {
  local into="$1" apt="$TOOLS/apt"
  shift
  private_apt_start "$KEPT_PACKAGES"
  (cd "$apt" && private_apt download "$@") || return 1
  debian_extract "$apt" "$into"
}

# debian_unpack DIR PACKAGE...: the packages and what they need beyond what the machine has.
debian_unpack() {
  debian_unpack_beyond "$KEPT_PACKAGES" "$@"
}

# debian_unpack_whole DIR PACKAGE...: with all that they need but the C library, for packages that others on the machine
# may stand on: those cannot be left out of its record.
debian_unpack_whole() {
  debian_unpack_beyond '/^Package: (libc6|libcrypt1|libgcc-s1|gcc-[0-9]+-base)\n/' "$@"
}

debian_unpack_beyond() {
  local kept="$1" into="$2" apt="$TOOLS/apt"
  shift 2
  private_apt_start "$kept"
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
  awk -v RS= -v ORS='\n\n' "$1" /var/lib/dpkg/status >"$apt/status"
  private_apt update || true
}

private_apt() {
  apt-get -q -o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache" \
    -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=2 -o Acquire::http::Timeout=20 "$@"
}
