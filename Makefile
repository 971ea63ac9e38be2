# The front door. CMake and Ninja do the work behind it; `make help` lists the targets.
BUILD  ?= build
LISTEN ?= 127.0.0.1:8787
CMAKE   = rust=$$(tools/build-rust) && cmake -S . -G Ninja -DBULKHEAD_RUST_DIR="$$rust"
CLANG  := $(firstword $(foreach v,19 18 17 16 15 14,$(if $(shell command -v clang-$v 2>/dev/null),clang-$v)) clang)

.PHONY: help all setup build run test model mutations proof asan tsan bench bench-pool bench-peers bench-restore bench-run bench-http fuzz bindings format install clean

all: build ## build the tool, the libraries and the examples

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## install missing packages
	@tools/setup

build: setup ## build everything into build/
	@$(CMAKE) -B $(BUILD) $(if $(wildcard $(BUILD)/build.ninja),>/dev/null)
	@cmake --build $(BUILD)

run: build ## serve the example capsules on 127.0.0.1:8787
	@$(BUILD)/bulkhead serve examples --listen $(LISTEN)

test: build ## run every test
	@cmake --build $(BUILD) --target test_programs
	@ctest --test-dir $(BUILD) --output-on-failure -j 2

model: setup ## check the models of the pool with spin (model/run --long: larger bounds)
	@model/run

mutations: build ## break the pool, and restores, in small ways; their tests must notice each
	@cmake --build $(BUILD) --target engine_test_differential
	@tests/pool/mutate
	@tests/engine/mutate $(BUILD)

proof: build ## the long proofs: pool, restore, and the module reader beside another (about 20 minutes)
	@cmake --build $(BUILD) --target test_programs
	$(BUILD)/tests/pool_test_pool_sim --seeds 500000
	$(BUILD)/tests/pool_stress_tsan --seconds 120
	tests/pool/mutate
	tests/engine/mutate $(BUILD)
	model/run --long
	tests/wasm/peer/run --cases 200000

asan: setup ## run the tests under address and undefined-behaviour sanitizers
	@$(CMAKE) -B $(BUILD)-asan -DCMAKE_BUILD_TYPE=Debug -DBULKHEAD_SANITIZE=address,undefined >/dev/null
	@cmake --build $(BUILD)-asan --target all test_programs
	@ctest --test-dir $(BUILD)-asan --output-on-failure -j 2

tsan: setup ## run the tests under the thread sanitizer
	@$(CMAKE) -B $(BUILD)-tsan -DCMAKE_BUILD_TYPE=Debug -DBULKHEAD_SANITIZE=thread >/dev/null
	@cmake --build $(BUILD)-tsan --target all test_programs
	@ctest --test-dir $(BUILD)-tsan --output-on-failure -j 2

bench: build ## print invocation times beside the peers
	@$(BUILD)/bulkhead bench invoke examples/echo --json

bench-pool: build ## print what the pool costs beside a bare mutex
	@$(BUILD)/bulkhead bench pool

bench-peers: build ## build the Rust peer of `make bench` (minutes, once), which then measures it too
	@ln -sf "$$(tools/build-peers)" $(BUILD)/reference-pool

bench-restore: build ## print what exact restore costs, and the memory of idle instances
	@$(BUILD)/bulkhead bench restore examples/echo $(if $(JSON),--json)

bench-run: build ## what waiting, messages and HTTP requests of capsules cost
	@$(BUILD)/bulkhead bench wait $(if $(JSON),--json)
	@$(BUILD)/bulkhead bench bus $(if $(JSON),--json)
	@$(BUILD)/bulkhead bench http $(if $(JSON),--json)

bench-http: build ## requests per second beside a bare libmicrohttpd handler (needs wrk)
	@bench/http/run $(BUILD)

fuzz: setup ## fuzz every decoder, and restores on random guests (SECONDS=60 each)
	@$(CMAKE) -B $(BUILD)-fuzz -DCMAKE_C_COMPILER=$(CLANG) -DCMAKE_BUILD_TYPE=Debug -DBULKHEAD_FUZZ=ON >/dev/null
	@cmake --build $(BUILD)-fuzz --target test_programs
	@tests/fuzz/run $(BUILD)-fuzz $(or $(SECONDS),60)

bindings: ## regenerate the host bindings from wit/ (needs wasm-tools)
	@tools/witgen/regenerate

format: ## format the C sources in place
	@git ls-files '*.c' '*.h' | grep -v -e '^src/abi/generated' | xargs $(subst clang,clang-format,$(CLANG)) -i

install: build ## install the tool, the library and the headers (PREFIX, DESTDIR)
	@cmake --install $(BUILD) $(if $(PREFIX),--prefix $(PREFIX))

clean: ## remove the build directories
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz
