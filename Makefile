# Two commands matter: `make up` and `make test`. Both are safe to repeat; the second time they take seconds.
#   make up [PORT=8000]      install what is missing and run Nitro
#   make test                install what is missing and run all checks and tests (CI=1 adds the slow ones)
#   make lint                style, types and import rules alone
#   make test-slow           real processes, kill -9, restarts, long journeys through pages: some minutes
#   make test-release        the same with every random fault a hundred times: about an hour
#   make bench-check         has a gain become smaller than it was when its ratio was kept? some minutes
#   make bench-keep          measure the gains and keep their ratios; FROM=FILE takes those of a run
#   make lock                resolve the packages anew and write the hashed locks

SHELL := /bin/sh
PORT ?= 8000
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --quiet --no-deps
MARKERS := $(if $(CI),,-m "not slow")

.PHONY: up test test-slow test-release lint bench-check bench-keep lock clean

up: $(VENV)/.installed
	@exec $(BIN)/nitro up --port $(PORT)

test: lint
	@$(BIN)/python -m pytest $(MARKERS) $(ARGS)

test-slow: $(VENV)/.installed-tests
	@$(BIN)/python -m pytest -m slow $(ARGS)

test-release: $(VENV)/.installed-tests
	@NITRO_FAULTS=100 $(BIN)/python -m pytest tests/faults $(ARGS)

lint: $(VENV)/.installed-tests
	@echo "Checking style, types and import rules …"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/djade --check $$(git ls-files 'templates/*.html')
	@$(BIN)/typos
	@$(BIN)/lint-imports --no-logo >/dev/null || $(BIN)/lint-imports --no-logo
	@# 2 is a crash of mypy's own, which happens now and then; what it finds in Nitro is 1.
	@$(BIN)/mypy --show-traceback . || { [ $$? -eq 2 ] && echo "mypy broke. Once more …" && $(BIN)/mypy --show-traceback .; }

bench-check: $(VENV)/.installed
	@$(BIN)/python -m benchmarks.gains.guard $(if $(FROM),--from $(FROM)) $(ARGS)

bench-keep: $(VENV)/.installed
	@$(BIN)/python -m benchmarks.gains.guard --keep $(if $(FROM),--from $(FROM)) $(ARGS)

lock:
	@sh scripts/lock.sh

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .tests-home

$(BIN)/python:
	@PYTHON="$(PYTHON)" sh scripts/environment.sh $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing Nitro's packages (a minute or two, the first time) …"
	@$(PIP) --require-hashes -r requirements.lock
	@sh scripts/environment.sh --link $(VENV)
	@touch $@

$(VENV)/.installed-tests: requirements-dev.lock $(VENV)/.installed
	@echo "Installing what the tests need …"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
