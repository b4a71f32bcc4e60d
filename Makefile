# Kameng: everything a newcomer, a contributor and the CI call. `make help` lists it.
# Needs Python >= 3.11 with venv, make and git; all else is installed into .venv.

# Of the Pythons of this machine the first that is built for speed, else the first that will do. A Python in a
# library of its own, compiled without profiles (as pyenv does when asked for one), is a third slower.
CAN := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
QUICK_BUILD := import os, sys, sysconfig as s; sys.exit("--enable-optimizations" not in str(s.get_config_var("CONFIG_ARGS")) \
	and os.path.getsize(os.path.realpath(sys.executable)) < 2_000_000)
PYTHON ?= $(shell for wish in '$(QUICK_BUILD)' pass; do \
	for p in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(CAN)' 2>/dev/null && $$p -c "$$wish" && echo $$p && exit; done; done)
VENV ?= .venv
BIN := $(VENV)/bin
PLUGINS := $(dir $(wildcard plugins/*/*/pyproject.toml))
INSTALL_INPUTS := requirements-dev.lock pyproject.toml $(wildcard plugins/*/*/pyproject.toml)
# Named by the content of what is installed: a changed lock installs again, a touched file does not.
STAMP := $(VENV)/.installed-$(shell cat $(INSTALL_INPUTS) | cksum | tr ' ' -)
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

export PYTHONDONTWRITEBYTECODE ?=
.DEFAULT_GOAL := help
.PHONY: help install built up test check types style layers structure bench pictures chaos lies fuzz mutants fmt lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) built ## install everything into .venv, build assets, compile translations

up: $(STAMP) built ## start all of Kameng on this machine with demo data; Ctrl-C stops it
	@$(BIN)/kameng up

# All tests go to two processes; for a few, named by ARGS, a second one would start for nothing.
test: $(STAMP) built ## run all tests (ARGS="-k name" narrows)
	@$(BIN)/python -m pytest $(or $(ARGS),-n 2)

# Apart from each other: with `make -j2 check` all the others are over before the types.
check: types style layers structure ## style, types, layers and structure

types: $(STAMP)
	$(BIN)/mypy

style: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

layers: $(STAMP)
	$(BIN)/lint-imports

structure: $(STAMP)
	$(BIN)/python -m pytest -q tests/architecture

bench: $(STAMP) built ## measure speed against the machine's own limits (QUICK=1, ROWS=a,b, ROWS=growth or ROWS=profile)
	@$(BIN)/python -m tests.bench.run $(if $(QUICK),--quick) $(if $(ROWS),--rows $(ROWS)) $(ARGS)

pictures: $(STAMP) built ## take the README's screenshots anew from a running `make up`
	@$(BIN)/python tests/browser/pictures.py

chaos: $(STAMP) built ## sell for SECONDS=60 while everything is killed and broken (SEED=1); then it is judged
	@$(BIN)/python -m tests.chaos.run --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED)) $(ARGS)

lies: $(STAMP) built ## suppliers lie about ORDERS=10000 orders (SEED=1); then everything is counted
	@LIES_ORDERS=$(or $(ORDERS),10000) LIES_SEED=$(SEED) $(BIN)/python -m pytest -q --show-capture=no --tb=short tests/lies

fuzz: $(STAMP) built ## CASES=10000 signed requests that are wrong in every way (SEED=1) for the open API
	@FUZZ_CASES=$(or $(CASES),10000) FUZZ_SEED=$(SEED) $(BIN)/python -m pytest -q --show-capture=no --tb=short tests/fuzz

mutants: $(STAMP) built ## take safeguards away one at a time: does a test fail? (a sample; ALL=1, SEED=1)
	@$(BIN)/python -m tests.mutants.run $(if $(ALL),--all) $(if $(SEED),--seed $(SEED)) $(ARGS)

fmt: $(STAMP) ## format the code and apply safe fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP) ## write requirements*.lock again from pyproject.toml
	@$(BIN)/python -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install -qq 'uv>=0.13,<0.14'
	$(LOCK) -o requirements.lock
	$(LOCK) --extra granian --extra testing --group dev -c requirements.lock -o requirements-dev.lock

# For every Python from 3.11.0 on, with hashes; which index serves the files is the machine's matter.
LOCK = $(VENV)/lock/bin/uv pip compile -q pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

clean: ## remove what was built (not var/, where the data lies)
	rm -rf $(VENV) platform/kameng/web/static/dist platform/kameng/web/assets/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(STAMP): $(INSTALL_INPUTS)
	@if [ -z "$(PYTHON)" ]; then echo "Kameng needs Python 3.11 or newer (none found on PATH)."; exit 1; fi
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "The Python venv module is missing (Debian: apt install python3-venv)."; rm -rf $(VENV); exit 1; }
	@rm -f $(VENV)/.installed-*
	@echo "installing packages into $(VENV) (once)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e . $(addprefix -e ./,$(PLUGINS))
	@touch $@

built:
	@$(BIN)/python -m kameng.web.assets_build
	@$(BIN)/python -m kameng.web.translations --compile
