# `make run`: the built-in study from raw files to a verdict. `make test`: every check. No root, no torch, no GPU.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test test-peers test-long lint types walls tests format clean

run: $(VENV)/.installed
	$(BIN)/leaven run pocket

test: lint types walls tests

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

walls: $(VENV)/.installed-dev
	$(BIN)/lint-imports

tests: $(VENV)/.installed-dev
	$(BIN)/pytest -m "not long and not peer"

# Checks against heavy peers and long tests, in an environment of their own so that `make test` never sees torch.
test-peers: .venv-peers/.installed
	.venv-peers/bin/pytest -m "peer or long"

test-long: $(VENV)/.installed-dev
	$(BIN)/pytest -m long

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# A stamp, not the interpreter, says that the environment is whole: making it can be killed half-way.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "leaven needs Python 3.11 or newer; set PYTHON=")'
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/pip install -q -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install -q -c constraints.txt -e '.[dev]'
	touch $@

.venv-peers/.installed: pyproject.toml constraints.txt
	rm -rf .venv-peers
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install -q -c constraints.txt -e '.[dev,peers]'
	touch $@

clean:
	rm -rf $(VENV) .venv-peers build dist *.egg-info
