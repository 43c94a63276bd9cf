# Each target does all of its own set-up: it needs Python 3.11 to 3.13, and nothing else.
PYTHON ?= python3
VENV ?= .venv
# A fresh run folder every time: a run is never trained over.
RUN := runs/demo-$(shell date +%Y%m%d-%H%M%S)
CLI := $(VENV)/bin/keras-inception
# Both cores; the slowest tests are told, so that they stay quick.
PYTEST := -m pytest -n 2 --dist worksteal --durations=15

.PHONY: demo test test-all test-lowest test-parity test-mediapipe fuzz wheels lint types bench docs

# What is to come is said before pip shows how far it is.
define install
	@echo "installing TensorFlow, Keras and what else '$(1)' needs into $(VENV):" \
		"about $(2) to download, $(3) on disk"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --disable-pip-version-check --editable '.[$(1)]'
	touch $@
endef

$(VENV)/installed: setup.cfg pyproject.toml
	$(call install,test,0.8 GB,2.8 GB)

$(VENV)/installed-demo: setup.cfg pyproject.toml
	$(call install,demo,0.7 GB,2.4 GB)

# The main job on scikit-learn's bundled digits: train, quantize, export, measure.
demo: $(VENV)/installed-demo
	$(CLI) train --run $(RUN)
	$(CLI) export $(RUN) --scheme float32
	$(CLI) export $(RUN) --scheme int8
	$(CLI) quantize $(RUN)
	$(CLI) report $(RUN)
	@printf '\nfirst, for these commands:   . %s/bin/activate\n' $(VENV)

test: $(VENV)/installed
	$(VENV)/bin/python $(PYTEST) -m 'not slow and not parity'

test-all: $(VENV)/installed
	@echo "All tests but the peers', the slow ones too: an hour and a half on two cores."
	$(VENV)/bin/python $(PYTEST) -m 'not parity'

# The tests again with the oldest releases that setup.cfg allows.
test-lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/pip install --quiet --disable-pip-version-check uv
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python \
		--resolution lowest-direct --editable '.[test]'
	.venv-lowest/bin/python $(PYTEST) -m 'not slow and not parity'

# Our networks beside torchvision's, timm's, tf2cv's and TF-slim's, with the same weights. The first
# two go in without their requirements, which would bring a torch for CUDA.
test-parity:
	$(PYTHON) -m venv .venv-parity
	.venv-parity/bin/pip install --quiet --disable-pip-version-check --editable '.[test,parity]'
	.venv-parity/bin/pip install --quiet --disable-pip-version-check --no-deps \
		torchvision==0.28.0 timm==1.0.31
	.venv-parity/bin/python -m pytest -m parity

# Our files in the client that Android has. It is no extra: it asks for an absl-py that
# tensorflow-model-optimization's requirement excludes, though both work with the newer one.
test-mediapipe:
	$(PYTHON) -m venv .venv-mediapipe
	.venv-mediapipe/bin/pip install --quiet --disable-pip-version-check --editable '.[test]'
	.venv-mediapipe/bin/pip install --quiet --disable-pip-version-check mediapipe==1.2.2
	.venv-mediapipe/bin/python -m pytest tests/test_mediapipe.py tests/test_metadata.py

# Odd files of every format that comes from outside: none may do more than open or be refused.
N ?= 10000
fuzz: $(VENV)/installed
	$(VENV)/bin/python -m fuzz $(N)

# What a machine with a GPU, JAX and PyTorch but without a network lacks: benchmarks/gpu.py --wheels
PIP_TARGET := --python-version 3.12 --implementation cp --only-binary=:all: \
	$(foreach n,17 27 28,--platform manylinux_2_$(n)_x86_64) --platform manylinux2014_x86_64
wheels: $(VENV)/installed
	rm -rf .wheels
	$(VENV)/bin/pip wheel --quiet --no-deps --wheel-dir .wheels .
	$(VENV)/bin/pip download --quiet --no-deps --dest .wheels $(PIP_TARGET) \
		keras namex optree msgspec google-crc32c pillow
	du -sh .wheels

lint: $(VENV)/installed
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

# The types of the public modules, by a checker that brings its own node.
types: $(VENV)/installed
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(VENV)/bin/basedpyright --pythonpath $(VENV)/bin/python

docs: $(VENV)/installed
	$(VENV)/bin/python -m keras_inception.table > docs/networks.md
	$(VENV)/bin/python docs/api.py > docs/api.md
	$(VENV)/bin/python docs/keras_names.py > docs/keras_names.md
	$(VENV)/bin/python docs/recipes.py > docs/recipes.md
	$(VENV)/bin/python docs/family.py > docs/images/family.svg

bench: $(VENV)/installed
	$(VENV)/bin/python benchmarks/latency.py
