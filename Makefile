# One virtual environment for everything; PYTHON chooses the interpreter (3.11 to 3.14).
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# For the training tests: any torch from 2.2 on; a build for CPUs keeps it small.
TORCH  ?= torch==2.13.0
# All cores; the tests of a file stay together: they share what it builds. PARALLEL= runs one after another.
PARALLEL ?= -n auto --dist loadfile
.PHONY: demo quick fast test torch lint bench site clean help

help:
	@echo "make demo   network -> Cortex-M33 image -> emulated -> proven, on the shipped recording (files in demo/)"
	@echo "make quick  lint, types and the fast unit tests, a minute: before each commit"
	@echo "make test   the test suite, on all cores (TESTS=tests/unit chooses)"
	@echo "make torch  torch and what else training wants, for its tests too (TORCH=torch==2.9.1 chooses)"
	@echo "make lint   ruff and mypy"
	@echo "make site   the documentation as a site, in build/site (warnings are errors)"
	@echo "make bench  our layers against CMSIS-NN (CMSIS_NN=checkout), onnx2c (ONNX2C=program) and plain C: writes docs/performance.md"

# ensurepip is missing from some distributions' Python; virtualenv then makes the environment.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("codesign needs Python 3.11 or newer: make PYTHON=python3.12 ...") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV) || $(PYTHON) -m virtualenv $(VENV) || \
		{ echo "no virtual environment: install your distribution's python3-venv" >&2; exit 3; }

# What the demo needs, and what development needs on top.
$(VENV)/.run $(VENV)/.dev: pyproject.toml python/codesign/__init__.py | $(BIN)/python
$(VENV)/.run: EXTRAS := emulator
$(VENV)/.dev: EXTRAS := emulator,dev,tflite
$(VENV)/.run $(VENV)/.dev:
	@echo "installing codesign[$(EXTRAS)] into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRAS)]'
	@touch $@

demo: $(VENV)/.run
	$(BIN)/codesign demo --output demo

# Side by side: mypy is one process.
quick: $(VENV)/.dev
	@$(MAKE) --no-print-directory -j2 lint fast

fast: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q $(PARALLEL) -m "not slow" tests/unit

# One thread a process: each core has a process of its own.
test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) --durations=20 --durations-min=5 $(TESTS)

torch: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(TORCH)' -e '.[train]'

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

site: $(VENV)/.dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[site]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "build/site/index.html"

bench: $(VENV)/.run
	@mkdir -p build
	$(BIN)/python bench/run.py $(if $(CMSIS_NN),--cmsis-nn $(CMSIS_NN)) $(if $(CMSIS_DSP),--cmsis-dsp $(CMSIS_DSP)) \
		$(if $(ONNX2C),--onnx2c $(ONNX2C)) \
		--markdown docs/performance.md --json build/bench.json

clean:
	rm -rf $(VENV) demo build
