# promtool, which checks the metrics in the tests: the machine's, or Debian's, unpacked without root.
# shellcheck shell=bash

has_promtool() { [ -x "$TOOLS/bin/promtool" ] && "$TOOLS/bin/promtool" --version; }

get_promtool() {
  local found
  mkdir -p "$TOOLS/bin"
  rm -f "$TOOLS/bin/promtool"
  if found="$(command -v promtool)"; then
    ln -s "$found" "$TOOLS/bin/promtool"
    return
  fi
  if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && debian_fetch "$TOOLS/prometheus" prometheus; then
    mv "$TOOLS/prometheus/usr/bin/promtool" "$TOOLS/bin/promtool"
    rm -rf "$TOOLS/prometheus"
    return
  fi
  give_up "promtool is missing and could not be downloaded" "install Prometheus (Debian: apt install prometheus; macOS: brew install prometheus), then repeat"
}
