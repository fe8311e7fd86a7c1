# penstock: `make demo` and `make test` need Python 3.11 and make, nothing else beforehand.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin


.PHONY: demo-stream kafka-test bench-state help capacity demo test lint format bench bench-calls flink-test chaos docs check-docs clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.demo ## send the example events to an emulated Intercom on this machine
	$(BIN)/python examples/demo.py

demo-stream: $(VENV)/.demo ## a stream from a watched folder (and Kafka, with Java) to an emulated Intercom
	$(BIN)/python examples/demo_stream.py

test: $(VENV)/.dev ## the whole test suite
	sh tests/services/install.sh postgresql
	$(BIN)/python -m pytest -q -n auto --dist loadfile

lint: $(VENV)/.dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## put the code into the house's format
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format -q .

bench: $(VENV)/.dev ## the benchmarks: a table of targets, and JSON in build/bench (minutes)
	$(BIN)/python -m tests.benchmarks.suite

bench-calls: $(VENV)/.dev ## calls of 200,000 events against the floor of the input (minutes)
	$(BIN)/python -m tests.benchmarks.bench_calls

capacity: $(VENV)/.dev ## how many workers and how long: the tables of docs/capacity.md
	$(BIN)/python -m tests.benchmarks.capacity

chaos: $(VENV)/.dev ## ten kills and sixty streams of random faults (minutes)
	PENSTOCK_CHAOS_KILLS=10 PENSTOCK_CHAOS_SEEDS=60 $(BIN)/python -m pytest -q tests/chaos

flink-test: $(VENV)/.dev ## batch and stream on a real Flink with Kafka; a task manager killed (minutes)
	PENSTOCK_TEST_FLINK=1 $(BIN)/python -m pytest -q tests/flink

kafka-test: $(VENV)/.dev ## the stream and its topics at a real Kafka broker, with kills (minutes; Java, Maven)
	sh tests/services/install.sh java postgresql
	PENSTOCK_KAFKA=1 $(BIN)/python -m pytest -q tests/kafka

bench-state: $(VENV)/.dev ## what SQLite and PostgreSQL carry as a state store
	$(BIN)/python -m tests.benchmarks.bench_state

docs: $(VENV)/.dev ## write the generated pages and schemas anew
	$(BIN)/python -m pipeline.mapping.generate

clean: ## remove what was built
	rm -rf build dist *.egg-info .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: setup.py | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -e .
	@touch $@

$(VENV)/.dev: setup.py | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -e '.[dev]'
	@touch $@ $(VENV)/.demo
