# Every target works as the first thing typed in a fresh clone: it makes .venv if it is not there.
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3,$(shell command -v $(p))))
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install demo reproduce-small test test-all lint format typecheck notebooks bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | awk -F'\t' '{printf "  %-16s %s\n", $$1, $$2}'

install: $(VENV)/.installed  ## make .venv with everything that the other targets need

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "pymaf_pl needs Python 3.11 or newer; try make PYTHON=python3.11" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@echo "installing torch and the rest into $(VENV): some minutes, 6 GB on disk"
	$(BIN)/python -m pip install --quiet --editable '.[dev,notebooks]'
	@touch $@

demo: install  ## train a small PyMAF on synthetic people and write runs/demo/report.html (about ten minutes)
	$(BIN)/pymaf train experiment=demo hydra.run.dir=runs/demo

reproduce-small: install  ## train the shipped model again (hours on one core; typed again, it goes on)
	@echo "renders 81,000 people (about half an hour on two cores), then trains for some five hours; says how long when it knows"
	@echo "interrupted, the same command goes on; the result stands in runs/small"
	$(BIN)/pymaf train experiment=small_longer hydra.run.dir=runs/small $(ARGS)

test: install  ## the fast tests (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2

test-all: install  ## all tests, the slow ones too
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 -m 'not network'

lint: install  ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install  ## put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: install  ## types; strict where geometry, body, render and metrics are
	$(BIN)/mypy

notebooks: install  ## run all notebooks (two minutes); any error in one fails
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q --nbmake --nbmake-timeout=900 notebooks

bench: install  ## speed of the network, the training step and the renderer
	$(BIN)/pymaf bench network
	$(BIN)/pymaf bench train
	$(BIN)/pymaf bench render

clean:  ## remove the demo, its data, builds and caches; your own runs and .venv stay
	rm -rf runs/demo data/demo build dist .pytest_cache .mypy_cache .ruff_cache
