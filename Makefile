# Two commands for everyone: `make demo` and `make test`. Both set up what they need in .venv and reuse it.
# A bare machine is enough: python3 (with venv), a C++ compiler, make, and the Python package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# CMake and Ninja come as wheels, so that none need to be on the machine.
BUILD_TOOLS := "scikit-build-core>=0.10" "pybind11>=3.0" cmake ninja
SAY := @printf '\n== %s\n'

.PHONY: help setup demo test bench lint format cpp-test clean

help:
	@echo "make demo    set up, then search a registry of a million drawn donors (DEMO=\"--donors 100000\" for fewer)"
	@echo "make test    set up, then run the tests"
	@echo "make bench   set up, then run the benchmarks (BENCH=\"--donors 40000000\" for more)"
	@echo "make lint    the linters that CI runs;  make format  puts the code in order"
	@echo "make cpp-test  the tests of the core (PRESET=release, asan or tsan)"

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

test: setup
	$(SAY) "running the tests"
	$(BIN)/python -m pytest $(TESTS)

bench: setup
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

clean:
	rm -rf $(VENV) build dist
