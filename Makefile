# One target per question. Everything a target needs, it installs or builds itself:
# Python packages into .venv, tools into the user's cache (outside the clone).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
SCENARIOS ?= e2e/scenarios
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## what each target answers
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/.installed: requirements/dev.lock pyproject.toml
	@echo "==> Python packages into $(VENV) (pinned and hash-checked by requirements/dev.lock)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.PHONY: tools
tools: $(VENV)/.installed ## build the pinned Kubernetes tools once, into the user's cache
	PYTHONPATH=e2e $(BIN)/python -m harness.tools

.PHONY: demo
demo: $(VENV)/.installed ## the main job, on a real control plane on this machine
	$(BIN)/python e2e/demo.py

.PHONY: check
check: $(VENV)/.installed ## formatter, linter, types, architecture, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy operator e2e tests
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/generated

.PHONY: test
test: $(VENV)/.installed ## every test that this machine can run; says what it skips and why
	PYTHONPATH=e2e $(BIN)/python -m harness.tools --if-possible
	$(BIN)/python -m pytest

.PHONY: images
images: $(VENV)/.installed ## root on Linux: the real node's images, without a container engine
	PYTHONPATH=e2e $(BIN)/python -m harness.images

.PHONY: e2e
e2e: $(VENV)/.installed images ## root on Linux: a real kubelet, Cilium, and vLLM behind the wall
	PYTHONPATH=e2e $(BIN)/python -m harness.tools kubernetes etcd helm kubelet containerd runc cilium coredns \
		cniplugins kube-proxy
	PYTHONPATH=e2e $(BIN)/python -m harness.sandbox $(BIN)/python -m pytest $(SCENARIOS) -m node --capture=no --verbose

.PHONY: bench
bench: $(VENV)/.installed tools ## 500 LocalModels beside a bare client that issues the same writes
	PYTHONPATH=e2e $(BIN)/python -m bench $(ARGS)

.PHONY: crds
crds: $(VENV)/.installed ## regenerate crds/, the chart's copy and docs/reference.md from the models
	$(BIN)/bolwerk crds --write .

.PHONY: manifests
manifests: $(VENV)/.installed crds ## render manifests/install and the chart's golden files again
	$(BIN)/python -m pytest -q tests/chart --update-golden

.PHONY: format
format: $(VENV)/.installed ## let the formatter have its way
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lock
lock: ## pin again, within the bounds of pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra dev --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header -o requirements/dev.lock
	uv pip compile pyproject.toml --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header -o requirements/runtime.lock
	grep -oP '^requires = \["\K[^"]+' pyproject.toml | uv pip compile - --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header -o requirements/build.lock
