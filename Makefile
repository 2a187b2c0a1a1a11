# `make run`: the built-in study from raw files to a verdict. `make test`: every check. No root, no torch, no GPU.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test test-peers test-long lint types walls tests format bench-corpus bench-corpus-scale bench-cpu bench-loader bench-gpu bench-eval bench-judge docs references clean

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
	$(BIN)/pytest --hypothesis-profile check -m "not long and not peer"

# Checks against heavy peers and long tests, in an environment of their own so that `make test` never sees torch.
test-peers: .venv-peers/.installed
	.venv-peers/bin/pytest --hypothesis-profile check -m "peer or long"

test-long: $(VENV)/.installed-dev
	$(BIN)/pytest --hypothesis-profile check -m long

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
	.venv-peers/bin/pip install -q -c constraints.txt -e '.[dev,hub,synthetic,peers,ahead,docs,cluster,s3,gs,tensorboard,wandb,mlflow]'
	touch $@

# Comparisons with datatrove and Hugging Face tokenizers, side by side; see docs/benchmarks.md. BENCH is scratch.
BENCH ?= /tmp/leaven-bench
CORPUS_BENCH = $(BIN)/python benchmarks/corpus
bench-corpus: $(VENV)/.installed .venv-bench/.installed $(BENCH)/docs.json
	$(CORPUS_BENCH)/near_dedup.py $(BENCH)/docs $(BENCH)/scratch $(BENCH)/out/near_dedup.json
	$(CORPUS_BENCH)/encode.py $(BENCH)/docs $(BENCH)/scratch $(BENCH)/out/encode.json
	$(CORPUS_BENCH)/pipeline.py $(BENCH)/docs $(BENCH)/scratch $(BENCH)/out/pipeline.json
	$(CORPUS_BENCH)/bpe.py $(BENCH)/docs $(BENCH)/scratch $(BENCH)/out/bpe.json
	$(CORPUS_BENCH)/table.py $(BENCH)/out docs/benchmarks.md

bench-corpus-scale: $(VENV)/.installed $(BENCH)/docs.json
	$(CORPUS_BENCH)/scale.py $(BENCH)/docs $(BENCH)/scratch $(BENCH)/out/scale.json
	$(CORPUS_BENCH)/table.py $(BENCH)/out docs/benchmarks.md

# Training beside torch on two threads, the loader, and one GPU; see docs/benchmarks.md.
TRAINING_BENCH = python benchmarks/training
CPU_BENCH = .venv-peers/bin/python benchmarks/training/cpu.py $(BENCH)/out/cpu.json --wait 600 --tries 3
bench-cpu: .venv-peers/.installed
	mkdir -p $(BENCH)/out
	rm -f $(BENCH)/out/cpu.json
	$(CPU_BENCH)
	$(CPU_BENCH) --short --shapes 1m 7m --batches 8 --sides leaven hand hand-compile hf hf-compile
	.venv-peers/bin/python benchmarks/training/table.py $(BENCH)/out/cpu.json

# Evaluation beside lm-eval's hf backend and transformers on two threads, programs a second; the benchmark files are
# looked for in LEAVEN_SHARED.
EVAL_BENCH = benchmarks/evaluation
bench-eval: $(VENV)/.installed .venv-peers/.installed
	mkdir -p $(BENCH)/out
	.venv-peers/bin/python $(EVAL_BENCH)/likelihood.py $(BENCH)/out/likelihood.json --wait 600 --tries 3
	.venv-peers/bin/python $(EVAL_BENCH)/generation.py $(BENCH)/out/generation.json
	$(BIN)/python $(EVAL_BENCH)/programs.py

# A judge behind a server that misbehaves, killed and started again (tests/judge/faults): what was lost or paid twice.
bench-judge: $(VENV)/.installed
	mkdir -p $(BENCH)/out
	$(BIN)/python benchmarks/judge/faults.py $(BENCH)/out/judge-faults.json

# What the engine takes beside its steps, here and on Ray, and makespans foreseen and measured; see docs/benchmarks.md.
ENGINE_BENCH = .venv-peers/bin/python benchmarks/engine
ENGINE_OUT = $(BENCH)/out/engine
bench-engine: .venv-peers/.installed
	rm -rf $(ENGINE_OUT)
	mkdir -p $(ENGINE_OUT)
	$(ENGINE_BENCH)/overhead.py $(ENGINE_OUT)/overhead.json --on local local-cluster:2
	$(ENGINE_BENCH)/scheduler.py $(ENGINE_OUT)/scheduler.json
	$(ENGINE_BENCH)/makespans.py $(ENGINE_OUT)/makespans.json
	$(ENGINE_BENCH)/table.py $(ENGINE_OUT)

bench-loader: $(VENV)/.installed
	$(BIN)/pip install -q 'grain==0.2.18'
	$(BIN)/$(TRAINING_BENCH)/loader.py $(BENCH)/scratch $(BENCH)/out/loader.json

bench-gpu: $(VENV)/.installed
	$(BIN)/pip install -q -c constraints.txt 'jax[cuda13]'
	$(BIN)/$(TRAINING_BENCH)/h200.py $(BENCH)/out/gpu

$(BENCH)/docs.json: $(VENV)/.installed
	$(CORPUS_BENCH)/collect.py $(BENCH)/docs --npm

.venv-bench/.installed: benchmarks/constraints.txt
	rm -rf .venv-bench
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install -q -c benchmarks/constraints.txt 'datatrove[io,processing]' spacy tokenizers psutil
	touch $@

# The documentation as a site in build/site. Warnings are errors, and so is a reference that is out of date.
docs: .venv-docs/.installed
	.venv-docs/bin/python tools/docs/write.py --check
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

references: $(VENV)/.installed
	$(BIN)/python tools/docs/write.py

.venv-docs/.installed: pyproject.toml constraints.txt
	rm -rf .venv-docs
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install -q -c constraints.txt -e '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) .venv-bench .venv-docs .venv-peers build dist *.egg-info
