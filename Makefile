# The verbs of this repository; `make help` lists them. Everything they need is installed by the first of them.

PYTHON ?= python3
BIN := .venv/bin
AISLE := $(BIN)/aisle
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help

.PHONY: help setup demo up test lint bench gen clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: .venv/.done .venv-triton/.done ## install everything; the other verbs do it by themselves

demo: setup ## import the demo shop, train, start everything, ask for real pages, show them
	@$(AISLE) demo

up: setup ## start everything and keep it running until Ctrl-C
	@$(AISLE) up

test: setup ## run all tests
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: .venv/.done ## check protos, style, types and who may import whom
	buf lint
	buf format --diff --exit-code
	$(BIN)/python protos/breaking.py
	ruff format --check .
	ruff check .
	mypy
	lint-imports

bench: setup ## run the benchmarks (../shared/data or AISLE_BENCH_DATA, where there is some)
	@for file in tests/benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python -m tests.benchmarks.$$(basename $$file .py) || exit 1; done

gen: .venv/.done ## generate the stubs again, after a change of a proto
	buf generate

clean: ## forget the environments, the stubs and all state
	rm -rf .venv .venv-triton gen var

.venv/.done: pyproject.toml hatch_build.py constraints.txt $(shell find protos -name '*.proto')
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Aisle needs Python 3.11 or newer: make PYTHON=python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train,demo,dev]'
	@touch $@

# Triton pins numpy below 2, so it lives by itself.
.venv-triton/.done: services/kit/triton/requirements.txt
	test -x .venv-triton/bin/python || $(PYTHON) -m venv .venv-triton
	.venv-triton/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@
