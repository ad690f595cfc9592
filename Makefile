# Everything a contributor runs. `make serve` and `make test` need only git, make and Python 3.11.
.DEFAULT_GOAL := help
SHELL := /bin/bash
unexport PYTHONDONTWRITEBYTECODE # with it each worker and each program compiles everything anew

BIN := .venv/bin
RUNTIME := .venv/runtime.stamp
DEV := .venv/dev.stamp
NODE := benchmarks/node/node_modules/.package-lock.json
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --no-input
PARALLEL := -q -n 4 --dist loadfile --max-worker-restart 0
PYTEST := pytest $(PARALLEL)
LOADED := pytest -q -n 2 --dist loadfile --max-worker-restart 0
LONG_TARGETS := programs workers faults soak races chaos web fuzz browser interop
SHORT := not vectors $(LONG_TARGETS:%=and not %)
CORE := src/gatepass/jose/*,src/gatepass/tokens/*,src/gatepass/sessions/*,src/gatepass/events/*,src/gatepass/manager/*
CORE_TESTS := $(addprefix tests/,attacks events http jose manager remote sessions settings tokens watches)
LONG_TESTS := $(addprefix tests/,browser chaos interop vectors)
MARKED = $(sort $(dir $(shell grep -rl --include=*.py "mark\.$@\b" tests)))
COMPILE := CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/pip-compile --quiet --no-strip-extras \
	$(if $(UPGRADE),--upgrade) --generate-hashes --unsafe-package gatepass --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.PHONY: help serve test vectors coverage lint format long watches pythons lowest bench wheel \
	requirements $(LONG_TARGETS)

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-13s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/pyvenv.cfg:
	@.ci/venv .venv

$(RUNTIME): requirements/runtime.txt pyproject.toml | .venv/pyvenv.cfg
	@.ci/install $<
	@touch $@

$(DEV): requirements/dev.txt pyproject.toml | .venv/pyvenv.cfg
	@.ci/install $<
	@touch $(RUNTIME) $@

serve: $(RUNTIME) ## Start the auth server on 127.0.0.1:8000, or on PORT=8101
	@exec $(BIN)/gatepass serve $(if $(filter command,$(origin PORT)),--port "$(PORT)")

test: lint ## Check format, lint and types, run the tests, measure the core's coverage
	@.ci/redis
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m $(PYTEST) -m "$(SHORT)" $(CORE_TESTS)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=100 --include='$(CORE)'
	$(BIN)/$(PYTEST) -m "$(SHORT)" $(addprefix --ignore=,$(CORE_TESTS) $(LONG_TESTS))
	@command -v redis-server redis-check-rdb >/dev/null || redis='Redis 7 (install redis-tools); '; \
	echo "make test: passed. Left out: $${redis-}published vectors (make vectors; they are read from" \
		"../shared/vectors); long tests (make $(LONG_TARGETS)). .ci/run runs all of them."

vectors: $(DEV) ## Run the published test vectors in ../shared/vectors
	$(BIN)/$(PYTEST) -m vectors tests/vectors

coverage: $(DEV) ## Run the tests of `make test` and report the coverage of every layer
	@.ci/redis
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m $(PYTEST) -m "$(SHORT)"
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lint: $(DEV) ## Check format, lint and types
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check --quiet
	$(BIN)/mypy

format: $(DEV) ## Format the code and mend what the linter can mend
	$(BIN)/ruff check --quiet --fix
	$(BIN)/ruff format

programs: ## Run documents, examples and commands, each in processes of its own
workers: ## Start servers, and programs of several processes, over every database
faults: ## Freeze, cut off and move databases, and interrupt their callers
soak: ## Ask many times, and with hardly any means to answer
races: ## Race many callers against one session, round after round
programs workers faults soak races: $(DEV)
	@.ci/redis
	@[ $@ != programs ] || .ci/client
	$(BIN)/$(LOADED) -m $@ $(MARKED)

chaos: $(DEV) ## Kill processes and break databases under load; REPORT=1 writes docs/chaos.md
	@.ci/redis
	$(if $(REPORT),GATEPASS_CHAOS_REPORT=docs/chaos.md $(BIN)/pytest -q,$(BIN)/$(LOADED)) -m chaos $(MARKED)

long: $(DEV) ## All of these with ten times the rounds, and durations are checked: by hand, on an idle machine
	@.ci/redis
	GATEPASS_TEST_LONG=10 HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest -q -o faulthandler_timeout=7200 \
		-m "not vectors and not programs and not web and not browser and not interop"

watches: $(DEV) ## Revoke sessions below ten thousand websockets; REPORT=1 writes docs/performance.md
	@.ci/redis
	GATEPASS_TEST_LONG=10 $(if $(REPORT),GATEPASS_WATCH_REPORT=docs/performance.md) \
		$(BIN)/pytest -q -s -o faulthandler_timeout=7200 -m workers tests/kill_switch

pythons: ## Run the tests of `make test` under every Python from 3.11 on that is installed here
	@.ci/redis
	@.ci/pythons $(PARALLEL) -m "$(SHORT)"

lowest: ## Run them with the lowest versions that pyproject.toml allows
	@.ci/redis
	@.ci/lowest $(PARALLEL) -m "$(SHORT)"

browser: $(DEV) ## Drive the interactive page with a real Chromium
	@.ci/browser
	@.ci/client
	@.ci/nginx
	$(BIN)/pytest -q -m browser

web: $(DEV) ## Send hundreds of requests through every framework behind real servers
	@.ci/redis
	@.ci/nginx
	@.ci/caddy
	$(BIN)/$(LOADED) -m web tests/web

interop: $(DEV) ## Exchange tokens and keys with other people's code, print the table
	@.ci/interop
	$(BIN)/pytest -q -m interop tests/interop

fuzz: $(DEV) ## Throw hostile input at every parser
	@$(PIP) install --only-binary :all: --require-hashes -r requirements/fuzz.txt \
		|| echo "atheris has no build for this machine: its harness is skipped"
	HYPOTHESIS_PROFILE=fuzz $(BIN)/$(PYTEST) -m fuzz $(MARKED)

bench: $(DEV) $(if $(shell command -v npm),$(NODE)) ## Measure gatepass beside its peers (QUICK=1 only shows that it runs, REPORT=1 writes docs/performance.md)
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(REPORT),--report)

$(NODE): benchmarks/node/package.json benchmarks/node/package-lock.json
	-npm ci --prefix benchmarks/node --ignore-scripts --no-audit --no-fund --fetch-retries=1 --loglevel=error
	@test -d $(@D) && touch $@ || true

wheel: $(DEV) ## Build the wheel, install it elsewhere and use it
	.ci/wheel

requirements: $(DEV) ## Pin what is installed, with hashes (UPGRADE=1 takes the newest)
	$(COMPILE) --extra server -o requirements/runtime.txt pyproject.toml requirements/build.in
	$(COMPILE) --extra server --extra dev -c requirements/runtime.txt -o requirements/dev.txt \
		pyproject.toml requirements/build.in
	$(COMPILE) -o requirements/fuzz.txt requirements/fuzz.in
	$(COMPILE) -o requirements/lowest.txt requirements/lowest.in
	@sed -i '/^# WARNING: /,$$d' $(addprefix requirements/,runtime.txt dev.txt fuzz.txt lowest.txt)
