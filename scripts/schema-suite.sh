# The JSON Schema Test Suite, for the tests of the validator. No registry has it by itself; the source package of
# Python's jsonschema carries it.
# Comes after python-tools.sh, whose Python and pip it uses.
# shellcheck shell=bash

SUITE_PACKAGE=jsonschema
SUITE_VERSION=4.26.0

has_schema_suite() { [ "$(cat "$TOOLS/schema-suite/version")" = "$SUITE_VERSION" ]; }

get_schema_suite() {
  local into="$TOOLS/schema-suite" python
  python="$(machine_python)" || python="$PYTHON_DEBIAN/bin/python3"
  find_pip "$python" || give_up "pip is missing, which fetches the JSON Schema Test Suite" "install Python's pip (Debian: apt install python3-pip), then repeat"
  rm -rf "$into"
  mkdir -p "$into"
  # The package itself is neither built nor installed, but pip asks it for its name.
  "${pip[@]}" download --quiet --no-deps --no-binary "$SUITE_PACKAGE" --dest "$into" "$SUITE_PACKAGE==$SUITE_VERSION"
  tar -xzf "$into"/*.tar.gz -C "$into" --strip-components=3 "$SUITE_PACKAGE-$SUITE_VERSION/json/tests/draft2020-12"
  rm -rf "$into"/*.tar.gz "$PYTHON_TOOLS/pip"
  echo "$SUITE_VERSION" >"$into/version"
}
