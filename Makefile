# Everything that a person or CI does here. The work itself is in scripts/.
PORT ?= 8787
CONFIG ?=
STATE ?= .bellwether

export PORT CONFIG STATE

.NOTPARALLEL:
.PHONY: help setup build run test check fmt clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

check: ## format, clippy, docs, licences, spelling, bundle size
	@scripts/setup.sh build check
	@scripts/build.sh
	@scripts/check.sh

fmt: ## format the Rust code
	@cargo fmt --all

clean: ## remove what was built; tools and local state stay
	@rm -rf build target
