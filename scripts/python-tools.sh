# schemathesis and openapi-spec-validator, which hold the API against its own description: Python packages, below
# .tools/python, so that the machine's Python stays as it is.
# shellcheck shell=bash

PYTHON_MINIMUM=3.11.0
PYTHON_TOOLS="$TOOLS/python"
PYTHON_DEBIAN="$TOOLS/python-debian"
PYTHON_REQUIREMENTS="$ROOT/scripts/python-requirements.txt"

has_python_tools() {
  [ "$(cat "$PYTHON_TOOLS/stamp")" = "$(cksum <"$PYTHON_REQUIREMENTS")" ] &&
    "$TOOLS/bin/schemathesis" --version && "$TOOLS/bin/openapi-spec-validator" --version
}

get_python_tools() {
  local python
  rm -rf "$PYTHON_TOOLS" "$PYTHON_DEBIAN"
  mkdir -p "$PYTHON_TOOLS" "$TOOLS/bin"
  python="$(machine_python)" || python="$(debian_python)" || give_up \
    "Python $PYTHON_MINIMUM or newer is missing and could not be downloaded" \
    "install Python (Debian: apt install python3 python3-pip; macOS: brew install python), then repeat"
  find_pip "$python" || give_up "$python has no pip, and it could not be downloaded" \
    "install pip (Debian: apt install python3-pip), then repeat"
  # Not a venv, which could not be moved with the project. Wheels only: nothing is compiled here.
  PIP_USER=0 "${pip[@]}" install --quiet --disable-pip-version-check --no-cache-dir --only-binary=:all: \
    --require-hashes --requirement "$PYTHON_REQUIREMENTS" --target "$PYTHON_TOOLS/packages"
  rm -rf "$PYTHON_TOOLS/pip"
  write_python_tool "$python" schemathesis
  write_python_tool "$python" openapi-spec-validator
  cksum <"$PYTHON_REQUIREMENTS" >"$PYTHON_TOOLS/stamp"
}

# The first Python of the machine that is new enough.
machine_python() {
  local name
  [ "${BELLWETHER_PYTHON:-}" != debian ] || return 1 # to try the fallback where there is a Python
  for name in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
    new_enough_python "$name" 2>/dev/null && return
  done
  return 1
}

# Its own path, which a shim on the PATH only stands for.
new_enough_python() {
  "$1" -c 'import sys, ssl; sys.version_info >= tuple(map(int, sys.argv[1].split("."))) or sys.exit(1); print(sys.executable)' \
    "$PYTHON_MINIMUM"
}

debian_python() {
  local name lib libs=
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  debian_unpack_whole "$PYTHON_DEBIAN" python3 python3-pip-whl >&2 || return 1
  name="$(readlink "$PYTHON_DEBIAN/usr/bin/python3")" || return 1
  for lib in "$PYTHON_DEBIAN"/usr/lib/*-linux-* "$PYTHON_DEBIAN"/lib/*-linux-*; do
    [ ! -d "$lib" ] || libs="$libs${libs:+:}\$here/${lib#"$PYTHON_DEBIAN"/}"
  done
  mkdir -p "$PYTHON_DEBIAN/bin"
  # Relative to the wrapper, so that the project's folder can be moved.
  printf '#!/bin/sh\nhere="${0%%/*}/.."\nLD_LIBRARY_PATH="%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/usr/bin/%s" "$@"\n' \
    "$libs" "$name" >"$PYTHON_DEBIAN/bin/python3"
  chmod +x "$PYTHON_DEBIAN/bin/python3"
  new_enough_python "$PYTHON_DEBIAN/bin/python3" >/dev/null && echo "$PYTHON_DEBIAN/bin/python3"
}

# find_pip PYTHON: puts the command into `pip`. Python's own, that of a venv, or Debian's wheel, which runs as it is.
find_pip() {
  local wheel
  pip=("$1" -m pip)
  ! "${pip[@]}" --version || return 0
  if "$1" -m venv "$PYTHON_TOOLS/pip"; then
    pip=("$PYTHON_TOOLS/pip/bin/python" -m pip)
    return
  fi
  if [ ! -e "$PYTHON_DEBIAN" ] && command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    debian_fetch "$PYTHON_DEBIAN" python3-pip-whl || return 1
  fi
  wheel="$(compgen -G "$PYTHON_DEBIAN/usr/share/python-wheels/pip-*.whl")" || return 1
  pip=(env PYTHONPATH="$wheel" "$1" -m pip)
  "${pip[@]}" --version
}

write_python_tool() {
  local python="$1"
  # shellcheck disable=SC2016
  python="${python/#"$TOOLS"/'$here'}"
  # Neither the user's packages nor the folder it is run in belong to it.
  printf '#!/bin/sh\nhere="${0%%/*}/.."\nPYTHONPATH="$here/python/packages" exec "%s" -sP "$here/python/packages/bin/%s" "$@"\n' \
    "$python" "$2" >"$TOOLS/bin/$2"
  chmod +x "$TOOLS/bin/$2"
}
