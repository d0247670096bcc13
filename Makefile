# `make run` and `make test` work on a fresh machine: both first set up the environment in .venv, once.

PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= analysis,datasets,dev,exchange,fitting,gpu,nir,plot,training
PYTEST_ARGS ?=
# Tests run in this many processes, of about a gigabyte, each on one thread: more would wait for one another.
WORKERS ?= 2
RESULTS ?= results

# The main job: the wiring of the worm on both backends, drawn, with the report of what agrees.
RUN ?= neurosim verify celegans-connectome --plot $(RESULTS)/celegans-connectome.png --overwrite

BIN := $(abspath $(VENV))/bin
STAMP := $(VENV)/.neurosim-installed
LINKS := build/typing

.PHONY: help setup run test lint format typecheck imports spelling docs hooks clean

help:
	@echo "make run        set up, run the worm's connectome on both backends, draw it, report what agrees"
	@echo "make test       set up, run the tests (PYTEST_ARGS='-m slow' for the long ones)"
	@echo "make lint       formatting, lint rules, import floors, spelling"
	@echo "make typecheck  mypy, strict"
	@echo "make format     format the code and mend what can be mended"
	@echo "make docs       write docs/models.md and docs/benchmarks.md from what they show"
	@echo "make hooks      run the checks before every commit"
	@echo "make clean      remove what was built, and the environment"
	@echo "Options: PYTHON=python3.12 chooses the interpreter, VENV=folder the environment."

setup: $(STAMP)

# cect carries the worm's tables but asks for half a gigabyte of packages that reading them does not need.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "neurosim needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[$(EXTRAS)]'
	$(BIN)/python -m pip install --constraint constraints.txt --no-deps cect
	touch $@

run: $(STAMP)
	mkdir -p $(RESULTS)
	$(BIN)/$(RUN)

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(WORKERS) $(PYTEST_ARGS)

lint: $(STAMP) imports spelling
	$(BIN)/ruff format --check
	$(BIN)/ruff check

format: $(STAMP)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# mypy and import-linter look for packages where their names say, and know nothing of package-dir: they work in a
# folder of links that is laid out as the package is when installed.
typecheck: $(STAMP) links
	cd $(LINKS) && $(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache -p neurosim

imports: $(STAMP) links
	cd $(LINKS) && $(BIN)/lint-imports --no-logo --config ../../pyproject.toml --cache-dir ../../.import_linter_cache

.PHONY: links
links:
	rm -rf $(LINKS)
	mkdir -p $(LINKS)/neurosim
	cd $(LINKS)/neurosim && ln -s ../../../neurosim/* ../../../circuits ../../../datasets .

# The page of models is written from their docstrings, that of benchmarks from docs/benchmarks.json.
docs: $(STAMP)
	$(BIN)/python docs/generate_models.py
	$(BIN)/python docs/generate_benchmarks.py

spelling: $(STAMP)
	$(BIN)/codespell

hooks: $(STAMP)
	$(BIN)/pre-commit install

clean:
	rm -rf build dist $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
