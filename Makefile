# Recipes are short on purpose: the work is in `recomart <verb>` (orchestration/cli.py).
PYTHON ?= python3
BIN := .venv/bin
RECOMART := $(BIN)/recomart
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
# Certificates of the system, as pip trusts them: many companies have their own.
export UV_SYSTEM_CERTS := true
# Without bytecode on disk every process would compile feast, dbt and mlflow anew: seconds each.
unexport PYTHONDONTWRITEBYTECODE

# "name|summary" of each step, read from orchestration/steps.py. Without Python, so that `make help`
# takes milliseconds and works in a fresh clone.
READ_STEPS := tr '\n' ' ' < orchestration/steps.py | grep -oE 'Step\( *"[a-z_-]+", *"[^"]+"' | \
	sed -E 's/^Step\( *"([^"]+)", *"([^"]*[^".])\.?"$$/\1|\2/'
STEPS := $(filter-out stream,$(shell $(READ_STEPS) | cut -d '|' -f 1))

.DEFAULT_GOAL := help
.PHONY: help setup pipeline test unit coverage fmt hooks lint docs-site wheel recommend features \
	stream docs ui mlflow bench lock down clean $(STEPS)

help: ## Show this list
	@(sed -nE 's/^([a-z-]+):.*## /\1|/p' $(MAKEFILE_LIST); echo; $(READ_STEPS)) | \
		awk -F '|' '!NF { print "Steps of the pipeline:" } NF && !seen[$$1]++ { printf "  make %-11s %s\n", $$1, $$2 }'

# An unknown target is an unknown command: that error lists the steps and the nearest name.
.DEFAULT:
	@if [ -x $(RECOMART) ]; then $(RECOMART) $@; else echo "There is no target '$@'. 'make' lists them." >&2; exit 2; fi

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "RecoMart needs Python 3.11 to 3.13, and this is %d.%d: run make PYTHON=python3.12" % v)'
	@$(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv

.venv/.run: $(BIN)/uv requirements.txt pyproject.toml
	@$(UV) --require-hashes -r requirements.txt && $(UV) --no-deps --editable . && touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@$(UV) --require-hashes -r requirements-dev.txt && touch $@

setup: .venv/.dev ## Make .venv with everything, the tests' tools and Dagster too

pipeline: .venv/.run ## From raw data to recommendations on the screen
	@$(RECOMART) pipeline

PYTEST := $(BIN)/python -m pytest -q
TWO_AT_A_TIME := -n 2 --dist loadfile --no-loadscope-reorder
COVERAGE := $(PYTEST) $(TWO_AT_A_TIME) tests/unit --cov --cov-report=term

# The unit tests come first: they are quick to fail, and the only ones whose coverage is cheap to measure.
test: .venv/.dev ## All tests; make test T=tests/unit/recomart runs one folder, file or test
	@$(if $(T),$(PYTEST) $(T),$(COVERAGE) && $(PYTEST) $(TWO_AT_A_TIME) tests --ignore=tests/unit)

unit: .venv/.dev ## The unit tests alone, in under a minute
	@$(PYTEST) $(TWO_AT_A_TIME) tests/unit

coverage: .venv/.dev ## The unit tests and the share of lines they run, which must not fall
	@$(COVERAGE)

fmt: .venv/.dev ## Format Python and SQL, and fix what the linters can fix
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format --quiet .
	@cd dbt_project && ../$(BIN)/sqlfluff fix --quiet --disable-progress-bar .

hooks: .venv/.dev ## Check what you commit: install the pre-commit hooks
	@$(BIN)/pre-commit install

lint: .venv/.dev ## Style, types, SQL, and who may import whom
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache
	@cd dbt_project && ../$(BIN)/sqlfluff lint --disable-progress-bar .

# Each step is a target of its own; orchestration/steps.py declares it.
$(STEPS): .venv/.run
	@$(RECOMART) $@

recommend: .venv/.run ## Recommend products: make recommend ID=<user id>
	@$(RECOMART) recommend --user "$(ID)"

features: .venv/.run ## What Redis serves for a user: make features ID=<user id>
	@$(RECOMART) features user "$(ID)"

stream: .venv/.run ## Simulated visitors and the speed layer, until Ctrl-C
	@$(RECOMART) stream demo

docs: .venv/.run ## The warehouse's documentation, column lineage and OpenLineage events
	@$(RECOMART) docs

docs-site: .venv/.dev ## The documentation site, in site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

wheel: .venv/.dev ## The wheel, in dist/
	@$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python

ui: .venv/.dev ## The pipeline as a graph on Dagster's page (port 3000)
	@$(RECOMART) ui

mlflow: .venv/.run ## Runs and models on MLflow's page (port 5001)
	@$(RECOMART) mlflow

bench: .venv/.dev ## Measure against peers and limits, side by side
	@$(BIN)/python -m benchmarks

LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --only-binary :all: pyproject.toml
lock: $(BIN)/uv ## Resolve the locked packages anew
	@$(LOCK) -o requirements.txt && $(LOCK) --group dev --extra dagster --extra complete-journey --extra kafka \
		--extra azure --extra gcs --extra mysql --extra postgres --extra s3 --extra sftp -c requirements.txt -o requirements-dev.txt

down: ## Stop what RecoMart started
	@if [ -x $(RECOMART) ]; then $(RECOMART) down; fi

clean: down ## Delete every lake, dbt's artifacts and caches (not .venv)
	@rm -rf recomart_lake dbt_project/target dbt_project/logs dist site .coverage .pytest_cache .ruff_cache .mypy_cache .hypothesis
