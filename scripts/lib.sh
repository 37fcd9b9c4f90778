# Shared by the scripts in this folder: where things are, steps with their time, errors that say what to do.
# shellcheck shell=bash

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
TOOLS="$ROOT/.tools"
LOGS="$TOOLS/log"
WASM_TARGET=wasm32-unknown-unknown

# Steps write to a log; what a person must see goes here.
exec 3>&2

say() { printf '%s\n' "$*" >&3; }

# die REASON WHAT_TO_DO: one line each.
die() {
  printf 'error: %s\n   do: %s\n' "$1" "$2" >&3
  exit 1
}

need() { command -v "$1" >/dev/null 2>&1 || die "$2" "$3"; }

# version_at_least HAVE WANT
version_at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" = "$2" ]
}

# locked_version CRATE: the version in Cargo.lock.
locked_version() {
  awk -v name="\"$1\"" '$1 == "name" { found = ($3 == name) } found && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' "$ROOT/Cargo.lock"
}

# step LABEL CHECK ACTION: silent when CHECK succeeds; else ACTION, with progress, time and a log.
step() {
  local label="$1" check="$2" action="$3" log started pid waited=0 status=0
  ! "$check" >/dev/null 2>&1 || return 0
  [ "${steps_done:=0}" -gt 0 ] || say "set-up:"
  steps_done=$((steps_done + 1))
  mkdir -p "$LOGS"
  log="$LOGS/$action.log"
  started=$SECONDS
  say "  ...   $label"
  # A process group of its own, so that Ctrl-C reaches everything below it.
  set -m
  (set -euo pipefail; "$action") >"$log" 2>&1 </dev/null &
  pid=$!
  set +m
  # shellcheck disable=SC2064
  trap "kill -TERM -- -$pid 2>/dev/null; exit 130" INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    waited=$((SECONDS - started))
    if [ -t 3 ]; then
      printf '\r  %3ss  %s' "$waited" "$label" >&3
    elif [ "$waited" -ge "${next_note:-30}" ]; then
      say "        $label: ${waited} s so far"
      next_note=$((waited + 30))
    fi
  done
  next_note=30
  wait "$pid" || status=$?
  trap - INT TERM
  [ ! -t 3 ] || printf '\r' >&3
  [ "$status" -eq 0 ] || step_failed "$label" "$log"
  "$check" >/dev/null 2>&1 || die "$label: finished, but what it should have left is not there" "read ${log#"$ROOT"/}"
  say "  done  $label ($((SECONDS - started)) s)"
}

step_failed() {
  local label="$1" log="$2"
  # The action has already said why.
  [ ! -e "$log.told" ] || { rm -f "$log.told"; exit 1; }
  if grep -qiE 'could not resolve|failed to (download|fetch|get)|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|network (failure|is unreachable)|timed out|spurious network' "$log"; then
    die "$label: the network did not deliver" "check the connection and repeat; finished steps are kept (log: ${log#"$ROOT"/})"
  fi
  tail -n 8 "$log" | sed 's/^/        /' >&3
  die "$label failed" "read ${log#"$ROOT"/}, then repeat; finished steps are kept"
}

# die, from inside a step's action.
give_up() {
  touch "$LOGS/${FUNCNAME[1]}.log.told"
  die "$1" "$2"
}
