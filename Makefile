# What a developer types; `make help` lists it. Each target does its own set-up.
#
#   make demo PYTHON=python3.12         another interpreter
#   make demo PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
#                                       torch without CUDA on Linux: 200 MB, not several GB
#   make test TESTS="-k glossary"       some of the tests
#   make test WORKERS=0                 one at a time, as a debugger wants it
#   make test VENV=/tmp/venv            the environment somewhere else

PYTHON   ?= python3 python3.14 python3.13 python3.12 python3.11
VENV     ?= .venv
PIP_ARGS ?=
TESTS    ?= -m "not gpu and not slow"
WORKERS  ?= 2
STUBS    ?= proto
BENCHES  ?= throughput peers.run latency overload repeats

SAMPLE   := samples/nato-2014.txt
PROTO    := svodka/v1/svodka_service.proto
BIN      := $(VENV)/bin
BENCH_PYTHON ?= $(BIN)/python
# A file of tests to each; a test that takes its process down ends the run.
PYTEST   := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --max-worker-restart 0
INSTALL  := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt $(PIP_ARGS)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo serve test lint bench format proto coverage mutation wheel constraints clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# --- the environment: a stamp file per extra, so that nothing is looked at twice ---

$(VENV)/venv.stamp:
	@for python in $(PYTHON); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  echo "Making $(VENV) with $$("$$python" --version)"; \
	  "$$python" -m venv "$(VENV)" && touch "$@" && exit 0; \
	  echo "$$python could not make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; \
	  exit 1; \
	done; \
	echo "svodka needs Python 3.11 or newer, and none of these is: $(PYTHON)." >&2; \
	echo "Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2; \
	exit 1

$(VENV)/starter.stamp: $(VENV)/venv.stamp pyproject.toml constraints.txt
	$(INSTALL) --editable '.[starter]'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/venv.stamp pyproject.toml constraints.txt
	$(INSTALL) --editable '.[dev]'
	@touch $(VENV)/starter.stamp $@

venv: $(VENV)/dev.stamp ## The virtual environment with everything a developer needs

# --- run ---

demo: $(VENV)/starter.stamp ## Digest the sample article: its summary, then its Russian
	$(BIN)/svodka digest $(SAMPLE)

serve: $(VENV)/starter.stamp ## The gRPC server on 127.0.0.1:50051
	$(BIN)/svodka serve

# --- check ---

test: $(VENV)/dev.stamp ## The tests; make test TESTS= runs the slow ones too
	$(PYTEST) $(TESTS)

lint: $(VENV)/dev.stamp ## Style, types, import contracts, the wire, the Dockerfile
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/hadolint Dockerfile

coverage: $(VENV)/dev.stamp ## The tests again, counting lines: 90 % at least
	$(PYTEST) --cov --cov-report=term-missing:skip-covered $(TESTS)

mutation: $(VENV)/dev.stamp ## Break the scheduler and the error table: do the tests notice?
	$(BIN)/mutmut run
	$(BIN)/mutmut results

# With a Python that has the other servers, too (bench/peers/README.md): BENCH_PYTHON=PATH
bench: $(VENV)/dev.stamp ## The tables of docs/performance.md; SENTENCES=FILE ARTICLES=FILE.jsonl BENCH_ARGS=--quick
	$(BENCH_PYTHON) bench/scheduler.py
	set -e; for name in $(BENCHES); do printf '\n== bench.%s\n' "$$name"; \
	  $(BENCH_PYTHON) -m "bench.$$name" --sentences "$(SENTENCES)" --articles "$(ARTICLES)" $(BENCH_ARGS); done

# --- make ---

format: $(VENV)/dev.stamp ## Format the sources and sort their imports
	$(BIN)/ruff check --fix --select I
	$(BIN)/ruff format

proto: $(VENV)/dev.stamp ## The stubs, from the .proto
	$(BIN)/python -m grpc_tools.protoc -I proto \
	  --python_out=$(STUBS) --pyi_out=$(STUBS) --grpc_python_out=$(STUBS) $(PROTO)

wheel: $(VENV)/venv.stamp ## The wheel, into dist/
	rm -rf build
	$(BIN)/python -m pip wheel --disable-pip-version-check --no-deps --wheel-dir dist .

# A resolution from nothing. torch's build (+cpu, +cu…) is the index's to choose.
constraints: $(VENV)/venv.stamp ## Resolve every dependency afresh and write constraints.txt
	set -e; fresh=$$(mktemp -d); trap 'rm -r "$$fresh"' EXIT; \
	$(BIN)/python -m venv "$$fresh"; \
	"$$fresh/bin/python" -m pip install --disable-pip-version-check $(PIP_ARGS) '.[dev]'; \
	{ sed -n '/^#/p' constraints.txt; \
	  "$$fresh/bin/python" -m pip freeze --exclude svodka | sed 's/+[a-z0-9.]*$$//'; } > "$$fresh/constraints.txt"; \
	cp "$$fresh/constraints.txt" constraints.txt

clean: ## Remove what builds and tests leave behind; the environment stays
	rm -rf build dist mutants *.egg-info .coverage .coverage.* .hypothesis .import_linter_cache \
	  .mutmut-cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
