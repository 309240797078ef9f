# `make` lists the targets. Nothing here needs more than git, make and python3 (3.11 or newer, with venv).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help dev test unit lint format bench models docs lock

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "tabard needs Python 3.11 or newer; set PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

dev: $(VENV)/.ready ## set up everything and start Tabard on an embedded SQLite file
	@$(BIN)/tabard dev

test: lint ## set up everything and run all tests
	$(BIN)/pytest

unit: $(VENV)/.ready ## the fast tests: everything but the journeys
	$(BIN)/pytest -m "not journey"

lint: $(VENV)/.ready ## style, types, and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.ready ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.bench-venv/.ready: requirements/bench.txt
	$(PYTHON) -m venv .bench-venv
	.bench-venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

bench: $(VENV)/.ready .bench-venv/.ready ## measure against other servers, and write docs/benchmarks.md
	$(BIN)/python -m bench.run

models: $(VENV)/.ready ## make the wire's shapes again from the installed botocore
	$(BIN)/python dev/models.py

docs: $(VENV)/.ready ## write the tables of docs/ again from the code
	$(BIN)/python -m dev.docs

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --custom-compile-command "make lock"

lock: $(VENV)/.ready ## lock the requirements again, with hashes (run.in, dev.in, bench.in → .txt)
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	for each in run dev bench; do $(BIN)/$(LOCK) --output-file requirements/$$each.txt requirements/$$each.in || exit 1; done
