# The npm packages of package-lock.json, wrangler's own Node among them.
# shellcheck shell=bash

NODE_MINIMUM=20.0.0

npm_stamp() { cat "$ROOT/package.json" "$ROOT/package-lock.json" | cksum; }

has_npm_parts() {
  [ -x "$ROOT/node_modules/.bin/wrangler" ] && [ "$(cat "$ROOT/node_modules/.bellwether-stamp")" = "$(npm_stamp)" ]
}

get_npm_parts() {
  cd "$ROOT"
  # No package here needs its install script: each ships its binary in a package of its platform.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  npm_stamp >node_modules/.bellwether-stamp
}
