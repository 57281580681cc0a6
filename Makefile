# make demo   build the environment and run a whole campaign on water clusters
# make spectrum  the demo's committee drives six molecules, and their infrared spectrum
# make test   build the environment and run the tests
# make quick  the tests for those who edit: without what trains, runs whole campaigns or starts Ray
# make check  style, types and tests, as CI does

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One thread a process: campaigns and tests are parallel over processes.
export OMP_NUM_THREADS = 1

.PHONY: install dev demo spectrum test quick lint check clean

install: $(VENV)/.installed
dev: $(VENV)/.dev

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "activecharge needs Python 3.10 or newer; run make PYTHON=python3.11, say"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV), a minute or two ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: install
	$(BIN)/activecharge run campaigns/water_clusters.yaml

spectrum: demo
	$(BIN)/activecharge simulate campaigns/simulations/hexamer.yaml -o runs/hexamer
	$(BIN)/activecharge spectrum runs/hexamer --marks gas

test: dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

quick: dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not ray"

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .mypy_cache
