#!/usr/bin/env bash
# `make bench`: gets and builds the peers and measures them (bench/run.mjs). QUICK=1 for a short run, ONLY=text for some parts.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh
. scripts/env.sh
[ -r /proc/self/schedstat ] || die "this system does not tell what processor time a process's threads take" "run it on Linux"

peers_stamp() { cat bench/package.json bench/package-lock.json | cksum; }
has_peers() { [ "$(cat bench/node_modules/.bellwether-stamp)" = "$(peers_stamp)" ]; }
get_peers() {
  (cd bench && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  peers_stamp >bench/node_modules/.bellwether-stamp
}
step "peers of the benchmark" has_peers get_peers

scripts/build-clients.sh
for package in --empty-rust --reader-rust --reader-rust-own --parse-rust; do scripts/build.sh "$package"; done
# As wrangler bundles for a deployment with --minify: its conditions, and its NODE_ENV, without which some cache as they
# do in development only.
for worker in kv.mjs memory.mjs object.mjs twin.mjs reader.ts launchdarkly.mjs edge-config.mjs growthbook-{kv,memory}.mjs flagship{,-fill}.mjs; do
  "$ESBUILD_BIN" "bench/workers/$worker" --bundle --minify --format=esm --target=es2022 --conditions=workerd,worker,browser \
    --define:process.env.NODE_ENV='"production"' --external:node:* --external:cloudflare:* \
    --outfile="target/bench/${worker%.*}.js" --log-level=warning
done
exec "$BELLWETHER_NODE" bench/run.mjs
