# Everything that a person or CI does here. The work itself is in scripts/.
# A port that somebody names is one to stay up on.
SERVE := $(or $(SERVE),$(if $(filter undefined,$(origin PORT)),,1))
PORT ?= 8787
CONFIG ?=
STATE ?= .bellwether

SEED ?=
SEEDS ?=
DAYS ?=
WITHOUT ?=
QUICK ?=
ONLY ?=
ISOLATES ?=
FLEET ?=
LATENCY ?=
OUT ?=

export PORT SERVE CONFIG STATE SEED SEEDS DAYS WITHOUT ISOLATES QUICK ONLY FLEET LATENCY OUT

.NOTPARALLEL:
.PHONY: help setup build run test simulate simulate-defects simulate-branches scale bench bench-authority example-ts example-rust check fmt clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## every tool, into .tools/ and node_modules/
	@scripts/setup.sh

build: ## the release Worker, in build/
	@scripts/setup.sh build
	@scripts/build.sh

run: ## the Worker on this machine [PORT=8787] [CONFIG=path.json] [STATE=dir]
	@scripts/run.sh

test: ## every test, the end-to-end ones on real workerd
	@scripts/setup.sh build test
	@scripts/build.sh
	@scripts/test.sh

simulate: ## worlds in simulated time with everything breaking [SEED=n] [DAYS=n] [SEEDS=n] [WITHOUT=fault,…] [ISOLATES=n]
	@scripts/simulate.sh

simulate-defects: ## that the simulator finds each deliberate defect [SEED=n]
	@scripts/simulate.sh defects

simulate-branches: ## which branches of the core's decisions a simulation reaches [SEED=n] [DAYS=n]
	@scripts/simulate.sh branches

scale: ## a million isolates over one object, simulated, into docs/scale.md [QUICK=1] [SEED=n] [FLEET=f.toml] [LATENCY=f.toml] [OUT=dir]
	@scripts/scale.sh

bench: ## beside what else one could do, into docs/performance.md [QUICK=1] [ONLY=part]
	@scripts/setup.sh build
	@scripts/build.sh
	@scripts/bench-peers.sh

bench-authority: ## what a publish and an operator's pages cost, on real workerd
	@scripts/setup.sh build
	@scripts/build.sh
	@scripts/bench.sh

example-ts: ## a TypeScript Worker before and after, in figures and in trouble [SERVE=1 or PORT=8787: by hand]
	@scripts/example.sh ts

example-rust: ## the same in Rust [SERVE=1 or PORT=8787: by hand]
	@scripts/example.sh rust

check: ## format, clippy, docs, licences, spelling, bundle size
	@scripts/setup.sh build check
	@scripts/build.sh
	@scripts/check.sh

fmt: ## format the Rust code
	@cargo fmt --all

clean: ## remove what was built; tools and local state stay
	@rm -rf build target clients/*/dist
