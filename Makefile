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

.DEFAULT_GOAL := help
.PHONY: help setup pipeline test unit coverage fmt hooks lint docs-site wheel generate ingest transform publish train recommend features \
	report stream docs ui mlflow bench lock down clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-11s %s\n", $$1, $$2}'

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

test: .venv/.dev ## All tests; make test T=tests/unit/recomart runs one folder, file or test
	@$(PYTEST) $(or $(T),$(TWO_AT_A_TIME))

unit: .venv/.dev ## The unit tests alone, in under a minute
	@$(PYTEST) $(TWO_AT_A_TIME) tests/unit

coverage: .venv/.dev ## The unit tests and the share of lines they run, which must not fall
	@$(PYTEST) $(TWO_AT_A_TIME) tests/unit --cov --cov-report=term

fmt: .venv/.dev ## Format Python and SQL, and fix what the linters can fix
	@$(BIN)/ruff check --quiet --fix-only . && $(BIN)/ruff format --quiet .
	@cd dbt_project && ../$(BIN)/sqlfluff fix --quiet --disable-progress-bar .

hooks: .venv/.dev ## Check what you commit: install the pre-commit hooks
	@$(BIN)/pre-commit install

lint: .venv/.dev ## Style, types, SQL, and who may import whom
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache
	@cd dbt_project && ../$(BIN)/sqlfluff lint --disable-progress-bar .

generate ingest transform publish train: .venv/.run
	@$(RECOMART) $@

generate: ## Make the demo shop's files anew
ingest: ## Land files and catalogue, and load them
transform: ## Build and test the warehouse (dbt)
publish: ## Publish tested features to Parquet, Feast and Redis
train: ## Fit and compare models, track them in MLflow

recommend: .venv/.run ## Recommend products: make recommend ID=<user id>
	@$(RECOMART) recommend --user "$(ID)"

features: .venv/.run ## What Redis serves for a user: make features ID=<user id>
	@$(RECOMART) features user "$(ID)"

report: .venv/.run ## The data-quality report (PDF, JSON) and the exploratory plots
	@$(RECOMART) report

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
	@$(LOCK) -o requirements.txt && $(LOCK) --group dev --extra dagster --extra complete-journey --extra kafka -c requirements.txt -o requirements-dev.txt

down: ## Stop what RecoMart started
	@if [ -x $(RECOMART) ]; then $(RECOMART) down; fi

clean: down ## Delete every lake, dbt's artifacts and caches (not .venv)
	@rm -rf recomart_lake dbt_project/target dbt_project/logs dist site .coverage .pytest_cache .ruff_cache .mypy_cache .hypothesis
