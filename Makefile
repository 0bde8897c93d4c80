PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
SUBMIT := $(BIN)/spark-submit --conf spark.ui.showConsoleProgress=false \
  --driver-java-options -Dlog4j2.configurationFile=$(abspath sql_examples/log4j2.properties)

.DEFAULT_GOAL := help
.PHONY: help install java demo test test-long soak gpu-check lint docs bench compat clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

install: $(VENV)/installed ## create .venv and install sparkllm into it

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

java:
	@$(PYTHON) sparkllm/java.py

demo: java install ## classify the reviews that ship, or DATA=table TEXT=column LABEL=column
	@PYSPARK_PYTHON=$(abspath $(BIN)/python) $(SUBMIT) sql_examples/demo.py \
	  $(if $(DATA),--data "$(DATA)") $(if $(TEXT),--text "$(TEXT)") $(if $(LABEL),--label "$(LABEL)")

test: java install lint ## lint, types, import contracts, tests
	$(BIN)/python -m pytest

test-long: java install ## the tests that take minutes
	$(BIN)/python -m pytest -m long

GPU_PYTHON ?= $(BIN)/python
gpu-check: $(if $(filter $(BIN)/python,$(GPU_PYTHON)),install) ## tests and benchmarks of the engine on a GPU, GPU_PYTHON=another python
	export PYTHONPATH=.:engine:kernels:optimizer && \
	SPARKLLM_TEST_DEVICE=cuda $(GPU_PYTHON) -m pytest -m 'not long' tests/engine tests/kernels && \
	$(GPU_PYTHON) -m benchmarks.engine --device cuda --sizes 80M 0.5B --workloads a b c \
	  --peers generate --rounds 2 --json benchmarks/results/engine_gpu.json

soak: java install ## eight queries at once on one engine for ten minutes, or SECONDS=n
	$(BIN)/python -m tests.soak $(SECONDS)

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: install ## make the generated documents
	$(BIN)/python -m sparkllm.configuration > docs/configuration.md
	$(BIN)/python -m sparkllm.row_errors > docs/errors.md
	$(BIN)/python -m sparkllm.functions.document > docs/functions.md

bench: java install ## what a row costs besides the model
	$(BIN)/python -m benchmarks.overhead

compat: java install ## try every minor version of Spark, write docs/compatibility.md
	$(BIN)/python -m tests.compatibility

clean: ## remove environments and caches
	rm -rf $(VENV) .compat .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
