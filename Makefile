# One command per chore. Each target installs what it needs first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Only two workers: each JAX process uses all cores and much memory.
TEST_WORKERS ?= 2
# In the order of the files: otherwise the file with the longest test, which has few tests, would be the last one.
PYTEST := $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help demo test test-fast lint docs bench setup setup-dev settings-table pictures constraints clean

help:
	@echo "make demo         train on the built-in phrasebook and translate its held-out sentences"
	@echo "make test         run all tests"
	@echo "make test-fast    run the tests that are not marked slow"
	@echo "make lint         run ruff, pyright and the test of dependency levels"
	@echo "make docs         build the documentation site into build/site"
	@echo "make bench        compare with the program of the Keras tutorial, and with a small Transformer"
	@echo "make settings-table  write docs/settings.md from the schema of the settings"
	@echo "make pictures     train the demo and write docs/pictures/"
	@echo "make setup        install the package into $(VENV)"
	@echo "make setup-dev    install the package and the development tools into $(VENV)"
	@echo "make constraints  update constraints.txt to the newest versions"
	@echo "make clean        remove $(VENV) and demo"

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is required: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,docs]'
	@touch $@ $(VENV)/.installed

demo: setup
	$(BIN)/passerelle demo

test: setup-dev
	$(PYTEST)

test-fast: setup-dev
	$(PYTEST) -m "not slow"

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest tests/test_dependency_levels.py

# -nW: a link or a reference that leads nowhere is an error.
docs: setup-dev
	$(BIN)/python -m sphinx -nWqE --keep-going -c docs -d build/doctrees . build/site
	@echo "$(CURDIR)/build/site/index.html"

bench: setup-dev
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/minutes.py

settings-table: setup
	$(BIN)/passerelle settings > $@.tmp && mv $@.tmp docs/settings.md

pictures: setup
	rm -rf build/pictures
	$(BIN)/python docs/pictures.py build/pictures

constraints: setup-dev
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra docs --extra parquet --python-version 3.11 --universal --upgrade \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet --output-file constraints.txt

clean:
	rm -rf $(VENV) demo build
