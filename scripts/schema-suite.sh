# The JSON Schema Test Suite, for the tests of the validator. No registry has it by itself; the source package of
# Python's jsonschema carries it.
# shellcheck shell=bash

SUITE_PACKAGE=jsonschema
SUITE_VERSION=4.26.0

has_schema_suite() { [ "$(cat "$TOOLS/schema-suite/version")" = "$SUITE_VERSION" ]; }

get_schema_suite() {
  local into="$TOOLS/schema-suite" pip=(python3 -m pip)
  "${pip[@]}" --version || pip=(pip3)
  "${pip[@]}" --version || give_up "pip is missing, which fetches the JSON Schema Test Suite" "install Python's pip (Debian: apt install python3-pip), then repeat"
  rm -rf "$into"
  mkdir -p "$into"
  # The package itself is neither built nor installed, but pip asks it for its name.
  "${pip[@]}" download --quiet --no-deps --no-binary "$SUITE_PACKAGE" --dest "$into" "$SUITE_PACKAGE==$SUITE_VERSION"
  tar -xzf "$into"/*.tar.gz -C "$into" --strip-components=3 "$SUITE_PACKAGE-$SUITE_VERSION/json/tests/draft2020-12"
  rm -f "$into"/*.tar.gz
  echo "$SUITE_VERSION" >"$into/version"
}
