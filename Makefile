# Two commands for everyone: `make demo` and `make test`. Both set up what they need in .venv and reuse it.
# A bare machine is enough: python3 (with venv), a C++ compiler, make, and the Python package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# CMake and Ninja come as wheels, so that none need to be on the machine.
BUILD_TOOLS := "scikit-build-core>=0.10" "pybind11>=3.0" cmake ninja
SAY := @printf '\n== %s\n'

.PHONY: help setup demo test bench lint format cpp-test fuzz clean

help:
	@echo "make demo    set up, then search a registry of a million drawn donors (DEMO=\"--donors 100000\" for fewer)"
	@echo "make test    set up, then run the tests"
	@echo "make bench   set up, then run the benchmarks (BENCH=\"--donors 40000000\" for more)"
	@echo "make lint    the linters that CI runs;  make format  puts the code in order"
	@echo "make cpp-test  the tests of the core (PRESET=release, asan or tsan)"
	@echo "make fuzz    the readers of typings and files under random input (needs clang; SECONDS=60)"

# The package is installed in editable mode: it rebuilds itself when a C++ file changes.
setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(SAY) "making the virtual environment $(VENV)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip $(BUILD_TOOLS)
	$(SAY) "building allomatch (a minute or two)"
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[test,lint]"
	@touch $@

demo: setup
	$(SAY) "allomatch demo $(DEMO)"
	$(BIN)/allomatch demo $(DEMO)

# A process a core, each beginning with its share of the files in order, so that what a file reads is mostly read once.
WORKERS ?= -n auto --maxprocesses 4 --dist worksteal
test: setup
	$(SAY) "running the tests"
	$(BIN)/python -m pytest $(WORKERS) $(TESTS)

bench: setup
	$(SAY) "installing the peers"
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[bench]"
	$(SAY) "running the benchmarks"
	$(BIN)/python -m pytest benchmarks --benchmark-json=build/benchmarks.json $(BENCH)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	git ls-files '*.cpp' '*.hpp' '*.inc' | xargs $(BIN)/clang-format --dry-run --Werror

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	git ls-files '*.cpp' '*.hpp' '*.inc' | xargs $(BIN)/clang-format -i

PRESET ?= release
cpp-test: setup
	$(SAY) "building and running the C++ tests ($(PRESET))"
	PATH="$(abspath $(BIN)):$$PATH" cmake --preset $(PRESET) -G Ninja
	PATH="$(abspath $(BIN)):$$PATH" cmake --build build/$(PRESET)
	PATH="$(abspath $(BIN)):$$PATH" ctest --test-dir build/$(PRESET) --output-on-failure

# The time is shared out among the targets. An input that breaks something is left in build/fuzz/. Another SEED tries
# other inputs; 0 is one by chance. CI keeps to one, so that a change is not held up by what another one left.
SECONDS ?= 60
SEED ?= 0
FUZZ_TARGETS := typings release macs
fuzz: setup
	@command -v clang++ >/dev/null || { \
	  echo "make fuzz needs clang++: libFuzzer is part of clang (apt-get install clang). Everything else builds without it."; exit 1; }
	$(SAY) "building the fuzz targets"
	PATH="$(abspath $(BIN)):$$PATH" cmake --preset fuzz -G Ninja
	PATH="$(abspath $(BIN)):$$PATH" cmake --build build/fuzz
	@set -e; for target in $(FUZZ_TARGETS); do \
	  printf '\n== fuzzing %s\n' $$target; mkdir -p build/fuzz/found/$$target; \
	  build/fuzz/csrc/fuzz/fuzz_$$target -max_total_time=$$(( $(SECONDS) / $(words $(FUZZ_TARGETS)) )) -timeout=10 -seed=$(SEED) \
	    -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 -dict=csrc/fuzz/$$target.dict -artifact_prefix=build/fuzz/ \
	    build/fuzz/found/$$target csrc/fuzz/seeds/$$target >build/fuzz/$$target.log 2>&1 \
	    || { cat build/fuzz/$$target.log; exit 1; }; \
	  grep 'stat::' build/fuzz/$$target.log; \
	done

clean:
	rm -rf $(VENV) build dist
