# Every target makes the environment that it needs; see README.md.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCE ?= rakkr-tone
RUNS ?= 10
SEED ?= 1
AT_ONCE ?= 4

.PHONY: help demo run test chaos check format bench clean

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

$(READY): setup.py
	@./tools/make-environment "$(PYTHON)" "$(VENV)"
	@touch $@

demo: $(READY) ## Queue, record, upload and verify ten seconds; SOURCE=arecord records with arecord
	@$(BIN)/python -m rakkr.demo --source "$(SOURCE)"

run: $(READY) ## Run the agent with its built-in controller in the foreground, until Ctrl-C
	$(BIN)/rakkr-recorder-agent --solo $(ARGS)

test: $(READY) ## Run every test: the units under both runners, then real programs and sockets
	$(BIN)/python tools/test-units $(ARGS)
	$(BIN)/python tools/test-integration $(ARGS)

chaos: $(READY) ## Break recordings at random, account for every frame; RUNS=300 SEED=1 AT_ONCE=4
	@$(BIN)/python -m tests.integration.chaos --runs $(RUNS) --seed $(SEED) --at-once $(AT_ONCE)

check: $(READY) ## Lint and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/ruff check --config ruff-pure.toml
	$(BIN)/mypy

format: $(READY) ## Put the source into its house form
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(READY) ## Measure speed against peers; NAME=upload for one of them
	$(BIN)/python -m benchmarks $(or $(NAME),--all)

clean: ## Remove what these targets made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis _trial_temp*
