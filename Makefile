# One virtual environment for everything; PYTHON chooses the interpreter (3.11 to 3.13).
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test lint bench clean help

help:
	@echo "make demo   network -> Cortex-M33 image -> emulated -> proven, on the shipped recording (files in demo/)"
	@echo "make test   the test suite"
	@echo "make lint   ruff and mypy"
	@echo "make bench  instructions per layer and per MAC"

# ensurepip is missing from some distributions' Python; virtualenv then makes the environment.
$(STAMP): pyproject.toml python/codesign/__init__.py
	@$(PYTHON) -c 'import sys; sys.exit("codesign needs Python 3.11 or newer: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV) || $(PYTHON) -m virtualenv $(VENV) || \
		{ echo "no virtual environment: install your distribution's python3-venv" >&2; exit 3; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[emulator,dev]'
	@touch $@

demo: $(STAMP)
	$(BIN)/codesign demo --output demo

test: $(STAMP)
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check python tests models bench
	$(BIN)/ruff format --check python tests models bench
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python bench/layers.py

clean:
	rm -rf $(VENV) demo build
