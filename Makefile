# Needs python3 >= 3.11, make and the package index; everything else goes into .venv in this folder.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed
EXTRAS := cli,worker,embedded,dev
PACKAGES := $(wildcard producers config worker sandbox benchmarks)
MINIMUM := import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
	"Python 3.11 or newer is needed, this is %s (%s). Choose another: make PYTHON=python3.12" \
	% (sys.version.split()[0], sys.executable))

.DEFAULT_GOAL := help
.PHONY: help venv demo check format test integration chaos bench bench-full browser clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP)  ## install everything into .venv (again only after a change of pyproject.toml or constraints.txt)
	@:

$(STAMP): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null || { echo "$(PYTHON) was not found; name an interpreter: make PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(RUN) || "$(PYTHON)" -c '$(MINIMUM)'
	@test -x $(RUN) || "$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); echo "no virtual environment; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(RUN) -c '$(MINIMUM)' || { echo "(that is $(VENV); remove it and run make again)" >&2; exit 1; }
	@echo "Installing into $(VENV), about a minute ..."
	@$(RUN) -m pip install -qq --disable-pip-version-check --no-input -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $(STAMP)

demo: $(STAMP)  ## start the whole system against the bundled sandbox and push 3,000 messages
	@$(RUN) -m sandbox.demo $(ARGS)

check: $(STAMP)  ## format, lint, types, import direction, spelling
	$(RUN) -m ruff format --check --quiet .
	$(RUN) -m ruff check --quiet .
	$(RUN) -m mypy --no-error-summary $(PACKAGES) tests
	$(RUN) -c 'from importlinter.cli import lint_imports_command as run; run()' --no-cache
	$(RUN) -m codespell_lib

format: $(STAMP)  ## let ruff rewrite the formatting and the simple findings
	$(RUN) -m ruff check --fix --quiet .
	$(RUN) -m ruff format --quiet .

test: check  ## make check, then every suite except the load tests
	$(RUN) -m pytest -m "not load"

integration: $(STAMP)  ## tests against a real Redis and real processes
	$(RUN) -m pytest -m "not load and not chaos" $(wildcard tests/integration tests/acceptance)

chaos: $(STAMP)  ## kill, stop and stall the processes, and count what reached the devices
	$(RUN) -m pytest -m chaos

bench: $(STAMP)  ## the figures of the README, into benchmarks/results/latest.json
	$(RUN) -m benchmarks

bench-full: $(STAMP)  ## the long figures and the load tests
	$(RUN) -m benchmarks --full
	$(RUN) -m pytest -m load --timeout 3600

browser: $(STAMP)  ## the console in a real browser
	@test -d tests/browser || { echo "no browser suite in this version: the console does not exist yet"; exit 1; }
	$(RUN) -m pytest tests/browser

clean:  ## remove caches, build results and local state (not .venv)
	rm -rf build dist .state .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
