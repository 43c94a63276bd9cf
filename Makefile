# Each target does all of its own set-up: it needs Python 3.11 or 3.12, and nothing else.
PYTHON ?= python3
VENV ?= .venv
# A fresh run folder every time: a run is never trained over.
RUN := runs/demo-$(shell date +%Y%m%d-%H%M%S)
CLI := $(VENV)/bin/keras-inception

.PHONY: demo test test-all test-lowest lint bench docs

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

# The main job on scikit-learn's bundled digits: train, quantize, export, measure.
demo: $(VENV)/installed
	$(CLI) train --run $(RUN)
	$(CLI) export $(RUN) --scheme float32
	$(CLI) export $(RUN) --scheme int8
	$(CLI) quantize $(RUN)
	$(CLI) report $(RUN)

test: $(VENV)/installed
	$(VENV)/bin/python -m pytest -m 'not slow'

test-all: $(VENV)/installed
	$(VENV)/bin/python -m pytest

# The tests again with the oldest releases that setup.cfg allows.
test-lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/pip install --quiet --disable-pip-version-check uv
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python \
		--resolution lowest-direct --editable '.[test]'
	.venv-lowest/bin/python -m pytest -m 'not slow'

lint: $(VENV)/installed
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

docs: $(VENV)/installed
	$(VENV)/bin/python -m keras_inception.table > docs/networks.md

bench: $(VENV)/installed
	$(VENV)/bin/python benchmarks/latency.py
