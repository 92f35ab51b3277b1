# Everything a person does with a clone. Needs python3 (3.11 or newer) with venv, and make.

PYTHON ?= python3
PORT ?= 5000
VENV ?= .venv
BIN = $(VENV)/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# How many processes run the tests: on two cores a third works while others wait for servers and browsers.
WORKERS ?= 3
# Arguments for pytest, for instance: make test ARGS="tests/scheduling -x"
ARGS ?=

.PHONY: help demo demo-reset test lint lint-code lint-types lint-imports lint-templates lint-words format messages test-matrix bench docs clean
.DELETE_ON_ERROR:

help:
	@echo "make demo [PORT=5000]  start the example CRM; make demo-reset begins anew"
	@echo "make test [ARGS=...]   run the tests; services that don't answer are skipped and named"
	@echo "make lint              ruff, mypy, import-linter, djlint, codespell; make format repairs what it can"
	@echo "make messages          bring the translations in step with the sources"
	@echo "make test-matrix       run the tests on other versions of Python, Flask and SQLAlchemy"
	@echo "make bench             measure, with ratios"
	@echo "make docs              build docs/_build/html"

# A stamp per extra: a second start installs nothing.
$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing (on Debian: apt install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-%: $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	$(INSTALL) --editable '.[$*]'
	@touch $@

demo: $(VENV)/.installed-demo
	@$(BIN)/flask --app example_app demo --port $(PORT)

demo-reset: $(VENV)/.installed-demo
	@$(BIN)/flask --app example_app demo-reset

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: lint-code lint-types lint-imports lint-templates lint-words

lint-code: $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lint-types: $(VENV)/.installed-lint
	$(BIN)/mypy

lint-imports: $(VENV)/.installed-lint
	$(BIN)/lint-imports

lint-templates: $(VENV)/.installed-lint
	$(BIN)/djlint --lint --quiet flask_booking/templates example_app/templates

lint-words: $(VENV)/.installed-lint
	$(BIN)/codespell

format: $(VENV)/.installed-lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(VENV)/.installed-lint
	$(BIN)/python scripts/messages.py

# One row of the matrix alone, for instance: make test-matrix ROW=lowest
ROW ?=

test-matrix: $(VENV)/pyvenv.cfg
	$(BIN)/python scripts/matrix.py $(if $(ROW),--row $(ROW)) $(ARGS)

bench: $(VENV)/.installed-bench
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.installed-docs
	$(BIN)/sphinx-build -W --keep-going --quiet docs docs/_build/html
	@echo "docs/_build/html/index.html"

clean:
	rm -rf $(VENV) docs/_build dist
