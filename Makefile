# Every target in one line: make help
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
READY := .venv/ready
INSTALL = $(if $(shell command -v uv),uv pip install --quiet --python $(BIN)/python,$(BIN)/python -m pip install --quiet --disable-pip-version-check)

.PHONY: help setup demo test test-stack lint bench chaos lock clean nonsense

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(READY) ## make .venv with .venv/bin/deploy, by uv or pip, from the lock file; PYTHON=… names another Python

# Python 3.12 to 3.14: the one that is named, else the first that fits, those of pyenv included; uv fetches one at need.
$(READY): requirements.lock pyproject.toml
	@own=$$(for version in 3.13 3.14 3.12; do pyenv prefix $$version; done 2>/dev/null | sed 's|$$|/bin/python|'); \
	for python in $(or $(PYTHON),python3.13 python3.14 python3.12 $$own python3 python); do \
	  "$$python" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break; \
	  python=; \
	done; \
	if command -v uv >/dev/null 2>&1; then \
	  [ -z "$$python" ] || python=$$("$$python" -c 'import sys; print(sys.executable)'); \
	  uv venv --quiet --clear --python "$${python:-3.13}" .venv \
	  && uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock \
	  && uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	elif [ -z "$$python" ]; then \
	  echo "setup needs Python 3.12, 3.13 or 3.14, or uv: none is on the PATH" >&2; exit 1; \
	else \
	  "$$python" -m venv --clear .venv \
	  && $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock \
	  && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $(READY)

demo: setup ## push the rules of this checkout to an embedded stack and prove that they fire when they should
	@echo '$$ deploy push'
	@$(BIN)/deploy push
	@echo
	@echo '$$ deploy verify'
	@$(BIN)/deploy verify
	@echo
	@echo 'Where to look next, with $(BIN)/deploy:'
	@echo '  deploy list                 what is live now'
	@echo '  deploy compile --explain    what became of each hunt, and why'
	@echo '  deploy local open           the rules and the alerts that verify raised, in a browser'
	@echo '  deploy local status         where the stack answers; deploy local down stops it'

test: setup ## run all tests, those on the embedded stack included
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

test-stack: setup ## the tests that take any stack, on that of deploy/$ENV.yaml or of TEST_KIBANA_URL, TEST_ELASTICSEARCH_URL, TEST_STACK_PASSWORD
	@test -n "$(ENV)$(TEST_KIBANA_URL)" || { echo "name a stack: $(MAKE) test-stack ENV=docker, or TEST_KIBANA_URL=… TEST_ELASTICSEARCH_URL=… TEST_STACK_PASSWORD=…" >&2; exit 1; }
	@set -a; if [ -f $(STACK_SECRETS) ]; then . ./$(STACK_SECRETS); fi; set +a; TEST_ENVIRONMENT=$(ENV) $(BIN)/python -m pytest tests/integration

# Its passwords are made once, and kept where git does not look.
STACK_SECRETS := .deploy/docker.env
COMPOSE := docker compose --file deploy/docker-compose.yml --env-file $(STACK_SECRETS)

.PHONY: stack-up stack-down
stack-up: setup ## a real Elasticsearch and Kibana by Docker, secured and healthy; STACK_VERSION=… chooses which
	@[ -f $(STACK_SECRETS) ] || { mkdir -p .deploy && umask 077 && for name in ELASTIC_PASSWORD KIBANA_PASSWORD KIBANA_ENCRYPTION_KEY; do \
	  echo "$$name=$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(24))')"; done > $(STACK_SECRETS); }
	@$(COMPOSE) up --detach --wait
	@echo 'It answers. Its password: set -a; . ./$(STACK_SECRETS); then: deploy doctor docker, or make test-stack ENV=docker'

stack-down: ## stop it and forget its data
	@$(COMPOSE) down --volumes

# A browser that is there already: Debian's chromium, or the one that CHROMIUM names.
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.PHONY: test-browser screenshots
screenshots: setup ## make the pictures of the docs anew, in that Chromium
	@$(INSTALL) --require-hashes -r requirements-browser.lock
	@CHROMIUM="$(CHROMIUM)" $(BIN)/python -m tests.browser.screenshots

test-browser: setup ## look at the pages in a headless Chromium; CHROMIUM=… names one
	@if [ -z "$(CHROMIUM)" ]; then \
	  echo "test-browser: no browser here: apt install chromium, or $(MAKE) test-browser CHROMIUM=/path/to/chromium"; \
	else \
	  $(INSTALL) --require-hashes -r requirements-browser.lock \
	  && CHROMIUM="$(CHROMIUM)" $(BIN)/python -m pytest tests/browser; \
	fi

lint: setup ## ruff, its formatter, mypy, the arrows between the rooms, the declared dependencies
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/deptry .

nonsense: setup ## answer every request of push, verify, drift and doctor with every kind of nonsense (minutes)
	@DEPLOY_TEST_ALL_NONSENSE=1 $(BIN)/python -m pytest tests/test_nonsense_everywhere.py

bench: setup ## measure, as ratios in one run; BENCH_HUNTS=FOLDER adds what made tests are worth on the hunts of others
	@$(BIN)/python -m tests.bench

.PHONY: fuzz
fuzz: setup ## give every reader 100,000 inputs that nobody would write (minutes); INPUTS=… and SEED=… choose others
	@$(BIN)/python -m tests.fuzz $(or $(INPUTS),100000) $(or $(SEED),1)

.PHONY: docs
docs: setup ## build the docs site and the man page into dist/, warnings being errors
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs dist/docs && $(BIN)/python -m sphinx -q -W -b man docs dist/man

.PHONY: schemas
schemas: setup ## write entra_deployer/data/schemas from the types that they are made of
	@$(BIN)/python -m entra_deployer.project.schemas

chaos: setup ## each fault at each request of each command, in memory (hours; EVERY=7: every seventh case), and the slow real ones
	@EVERY=$(EVERY) FIRST=$(FIRST) $(BIN)/python -m tests.chaos
	@$(BIN)/python -m pytest tests/integration/slow_faults.py

lock: ## resolve requirements.lock, and requirements-run.lock for pipelines, anew (needs uv)
	@uv pip compile --quiet --python-version 3.12 --universal --generate-hashes --no-emit-index-url --no-header \
	  --all-extras --group dev --group docs pyproject.toml -o requirements.lock
	@uv pip compile --quiet --python-version 3.12 --universal --generate-hashes --no-emit-index-url --no-header \
	  --extra local --extra sigma --constraint requirements.lock pyproject.toml -o requirements-run.lock

.PHONY: wheel container
wheel: setup ## build the wheel into dist/
	@$(BIN)/python -m hatchling build --target wheel

container: wheel ## build the container image for pipelines
	@docker build --file Containerfile --tag entra-deployer .
	@uv pip compile --quiet --python-version 3.12 --universal --generate-hashes --no-emit-index-url --no-header \
	  --group browser -o requirements-browser.lock

clean: ## stop the local stack, remove .venv and all that was made
	@if [ -x $(BIN)/deploy ]; then $(BIN)/deploy local down || true; fi
	@rm -rf .venv .deploy reports dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
