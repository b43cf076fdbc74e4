# `make` lists what there is. Needs Python 3.11+ and make; everything else goes into .venv.

SHELL = /bin/sh
PYTHON ?= python3
VENV = .venv
RUN = $(VENV)/bin/python
# Extra arguments: make up ARGS=--no-demo, make test T=tests/domain
ARGS ?=
T ?=
DATA ?= ../shared/matching

.DEFAULT_GOAL = help
.PHONY: help setup setup-dev up demo test test-quick chaos bench-matching check format bench-list bench-intake screenshots pictures architecture clean

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## Make the venv and install what Handrail runs on (instant when nothing changed)
	@PYTHON='$(PYTHON)' commands/setup.sh '$(VENV)' requirements.lock

setup-dev: setup
	@PYTHON='$(PYTHON)' commands/setup.sh '$(VENV)' requirements-dev.lock

up: setup ## Start everything and play the story; ARGS="--no-demo --headless" leave parts out
	@./handrail up $(ARGS)

demo: setup ## Play the story again on a running Handrail; ARGS=--approve plays it without a person
	@./handrail demo $(ARGS)

test: setup-dev ## Run the tests; T=tests/domain runs some, ARGS is for pytest
	@commands/missing.sh
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(RUN) -m pytest -n auto --dist worksteal $(ARGS) $(T)

test-quick: setup-dev ## Run the tests that need no server, in under two minutes, for while you work
	@$(RUN) -m pytest -q -n auto --dist worksteal -m "not servers" $(ARGS) $(T)

chaos: setup-dev ## Inject every fault of tests/chaos and print the table (about an hour)
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" HANDRAIL_CHAOS=all $(RUN) -m pytest -q tests/chaos $(ARGS)

bench-matching: setup-dev ## Print what matching's confidence is worth, next to baselines; DATA='folders of evaluation data'
	@OMP_NUM_THREADS=1 $(RUN) -m bench.matching --report --data $(DATA) --svg docs/reliability.svg

check: setup-dev ## Lint, format, types, layering, migrations
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy .
	@$(RUN) -m pytest -q tests/test_layout.py
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
		HANDRAIL_HOME=$$scratch ./handrail migrate && HANDRAIL_HOME=$$scratch $(RUN) -m alembic check

format: setup-dev ## Format the code
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

bench-list: setup-dev ## Print how quick a list of 100,000 tickets is in the browser
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(RUN) -m pytest -q -s -n 0 tests/ui/measure_list.py

bench-intake: setup-dev ## Print how quickly alerts are taken in under load, and what kill -9 of the API costs
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(RUN) -m pytest -q -s -n 0 tests/e2e/measure_intake.py $(ARGS)

screenshots: setup-dev ## Write a picture of every screen, light and dark, to var/screenshots
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(RUN) -m pytest -q tests/ui/screenshots.py

pictures: setup-dev ## Make docs/img anew: break the lab, let Handrail mend it, take its pictures
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(RUN) -m pytest -q tests/ui/pictures.py

architecture: setup ## Draw docs/architecture.md anew, from the imports of the code
	@$(RUN) -m commands.architecture

clean: ## Remove the venv and caches; the state in var/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
