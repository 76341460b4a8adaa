# Two commands matter: `make up` and `make test`. Both are safe to repeat; the second time they take seconds.
#   make up [PORT=8000]      install what is missing and run Nitro
#   make test                install what is missing and run all checks and tests (CI=1 adds the slow ones)
#   make lint                style, types and import rules alone
#   make test-slow           real processes, kill -9, restarts of the database: some minutes
#   make lock                resolve the packages anew and write the hashed locks

SHELL := /bin/sh
PORT ?= 8000
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps
MARKERS := $(if $(CI),,-m "not slow")

.PHONY: up test test-slow lint lock clean

up: $(VENV)/.installed
	@exec $(BIN)/nitro up --port $(PORT)

test: lint
	@$(BIN)/python -m pytest $(MARKERS) $(ARGS)

test-slow: $(VENV)/.installed-tests
	@$(BIN)/python -m pytest -m slow $(ARGS)

lint: $(VENV)/.installed-tests
	@echo "Checking style, types and import rules …"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/djade --check $$(git ls-files 'templates/*.html')
	@$(BIN)/typos
	@$(BIN)/lint-imports --no-logo >/dev/null || $(BIN)/lint-imports --no-logo
	@$(BIN)/mypy .

lock: $(VENV)/.installed-tests
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		pyproject.toml --output-file requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--constraint requirements.lock --group dev --output-file requirements-dev.lock

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .tests-home

# The environment: the machine's Python where its version has wheels of everything, else one that uv brings.
$(BIN)/python:
	@echo "Making a Python environment in $(VENV) …"
	@for python in $(PYTHON) python3.12 python3.11; do \
		$$python -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null || continue; \
		$$python -m venv $(VENV) && exit 0; \
		rm -rf $(VENV); \
		echo "Python is here, but it cannot make environments. On Debian and Ubuntu: apt install python3-venv"; \
		exit 1; \
	done; \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 13))' 2>/dev/null || { \
		echo "Nitro needs Python 3.11 or 3.12, and '$(PYTHON)' is older or missing. Name another: make up PYTHON=/path/to/python3.12"; \
		exit 1; }; \
	echo "This Python is newer than the packages Nitro brings along; uv gets a 3.12 …"; \
	$(PYTHON) -m venv $(VENV)-uv && $(VENV)-uv/bin/python -m pip install --quiet uv && \
		$(VENV)-uv/bin/uv venv --quiet --seed --python 3.12 $(VENV); \
	status=$$?; rm -rf $(VENV)-uv; exit $$status

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing Nitro's packages (a minute or two, the first time) …"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-tests: requirements-dev.lock $(VENV)/.installed
	@echo "Installing what the tests need …"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
