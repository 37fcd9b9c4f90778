#!/usr/bin/env bash
# `make run`: the Worker on wrangler dev, with a configuration in local KV, a local token, and state that
# survives restarts. PORT, CONFIG and STATE come from the environment.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

PORT="${PORT:-8787}"
CONFIG="${CONFIG:-examples/video-config.json}"
STATE="${STATE:-.bellwether}"
URL="http://127.0.0.1:$PORT"

# Mistakes in what was asked for come to light before minutes of set-up.
need node "Node.js is missing" "install Node.js 20 or newer with npm, then repeat"
checked="$(node scripts/local-state.mjs check "$CONFIG" "$PORT")" || exit 1
eval "$checked" # config_hash, sample_pointer

scripts/setup.sh build
scripts/build.sh
. scripts/rust-wasm.sh
. scripts/env.sh

mkdir -p "$STATE" 2>/dev/null && [ -w "$STATE" ] || die "$STATE cannot be written to" "choose another folder: make run STATE=dir"
STATE="$(cd "$STATE" && pwd -P)"
"$BELLWETHER_NODE" scripts/local-state.mjs token "$STATE"
LOG="$STATE/wrangler.log"

wrangler() { CI=1 NO_COLOR=1 FORCE_COLOR=0 "$BELLWETHER_NODE" "$BELLWETHER_WRANGLER" "$@"; }

seeded=no
if [ "$(cat "$STATE/seeded" 2>/dev/null)" != "$config_hash" ]; then
  say "seeding local KV with $CONFIG"
  wrangler kv key put --local --persist-to "$STATE" --binding CONFIG_KV config --path "$CONFIG" >"$LOG" 2>&1 \
    || die "local KV could not be written" "read $LOG"
  printf '%s' "$config_hash" >"$STATE/seeded"
  seeded=yes
fi

stop() {
  trap - INT TERM HUP EXIT
  [ -z "${tail_pid:-}" ] || kill "$tail_pid" 2>/dev/null || true
  # The whole group: wrangler, and workerd below it.
  kill -TERM -- "-$wrangler_pid" 2>/dev/null || true
  for _ in $(seq 50); do
    kill -0 -- "-$wrangler_pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$wrangler_pid" 2>/dev/null || true
}

set -m
wrangler dev --local --persist-to "$STATE" --env-file "$STATE/dev.vars" --ip 127.0.0.1 --port "$PORT" \
  --inspector-port 0 --show-interactive-dev-session=false >"$LOG" 2>&1 </dev/null &
wrangler_pid=$!
set +m
trap 'stop; say stopped; exit 0' INT
trap 'stop; exit 143' TERM HUP
trap stop EXIT

say "starting on $URL"
started=$SECONDS
until curl --silent --fail --max-time 2 --output /dev/null "$URL/healthz"; do
  kill -0 "$wrangler_pid" 2>/dev/null || { tail -n 15 "$LOG" >&2; die "wrangler dev did not start" "read $LOG"; }
  [ $((SECONDS - started)) -lt 60 ] || { tail -n 15 "$LOG" >&2; die "no answer on $URL/healthz after 60 s" "read $LOG"; }
  sleep 0.1
done

# An object that exists already would find the new file at its next refresh only.
if [ "$seeded" = yes ]; then
  curl --silent --max-time 20 --output /dev/null --header "Authorization: Bearer $(cat "$STATE/token")" \
    --json '{"reason":"make run seeded another file","waive":["key_loss"]}' "$URL/v1/spaces/default/reload" || true
fi

auth="-H \"Authorization: Bearer \$(cat $(printf '%q' "$STATE/token"))\""
cat <<TEXT

Bellwether runs on $URL (config: $CONFIG, state: $STATE, ready after $SECONDS s). Paste:

  the configuration   curl -si $auth $URL/v1/spaces/default/config
  one value of it     curl -si $auth '$URL/v1/spaces/default/config?pointer=$sample_pointer'
  how it is           curl -s $auth $URL/v1/spaces/default/status
  reload now          curl -s $auth -X POST $URL/v1/spaces/default/reload
  metrics             curl -s $auth $URL/metrics
  its history         curl -s $auth $URL/v1/spaces/default/versions

Overrides, rollbacks, changes for later and the rest: README.md, "Operating a space".

Ctrl-C stops it. The log:

TEXT
tail -n +1 -F "$LOG" 2>/dev/null &
tail_pid=$!
wait "$wrangler_pid" || true
die "wrangler dev stopped" "read $LOG"
