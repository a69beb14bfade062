# Watchkeeper: `make run` shows it with simulated customers, `make test` tests it. All else is for its developers.

VENV_PYTHON = .venv/bin/python
# An environment whose Python went away, or that was made without pip, is made again.
VENV_WORKS := $(shell $(VENV_PYTHON) -c 'import pip' 2>/dev/null && echo yes)

ifeq ($(VENV_WORKS),)
# PYTHON is the newest that runs and fits; one that can make virtual environments comes first.
fits = $(shell $(1) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14)$(2)' 2>/dev/null && echo $(1))
with_venv = $(call fits,$(1),; import venv; import ensurepip)
candidates = python3.13 python3.12 python3.11 python3
ifeq ($(PYTHON),)
PYTHON := $(firstword $(foreach name,$(candidates),$(call with_venv,$(name))))
endif
ifeq ($(PYTHON),)
PYTHON := $(firstword $(foreach name,$(candidates),$(call fits,$(name))))
endif
NO_PYTHON = Watchkeeper needs Python 3.11, 3.12 or 3.13. On Debian or Ubuntu: sudo apt install python3 python3-venv
NO_VENV = $(PYTHON) lacks its venv module. On Debian or Ubuntu: sudo apt install python3-venv
problem = $(if $(call fits,$(or $(PYTHON),false)),$(if $(call with_venv,$(PYTHON)),,$(NO_VENV)),$(NO_PYTHON))
endif

.PHONY: run test soak bench lint format audit manifest doctor lock clean venv installed installed-dev

run: installed
	@$(VENV_PYTHON) -m bot run

# The whole suite in WORKERS processes side by side; a part of it (ARGS) in one. See tests/conftest.py.
WORKERS ?= $(if $(ARGS),0,3)

test: installed-dev
	@$(VENV_PYTHON) -m pytest -rs -n $(WORKERS) $(ARGS)

# Plays requests and incidents with faults and kills: SEED=, REQUESTS=, INCIDENTS=, KILLS=; QUICK=1 is a short one.
soak: installed-dev
	@SEED=$(SEED) REQUESTS=$(REQUESTS) INCIDENTS=$(INCIDENTS) KILLS=$(KILLS) QUICK=$(QUICK) $(VENV_PYTHON) -m tests.soak

# QUICK=1: a small version that takes under two minutes. OUT=file.md: the tables are written there, too.
bench: installed-dev
	@QUICK=$(QUICK) OUT=$(OUT) $(VENV_PYTHON) -m tests.bench $(ARGS)

lint: installed-dev
	@$(VENV_PYTHON) -m ruff check .
	@$(VENV_PYTHON) -m ruff format --check .
	@$(VENV_PYTHON) -m mypy

format: installed-dev
	@$(VENV_PYTHON) -m ruff format .

audit: installed-dev
	@$(VENV_PYTHON) -m tests.dependency_audit

manifest: installed
	@$(VENV_PYTHON) -m bot manifest

doctor: installed
	@$(VENV_PYTHON) -m bot doctor $(ARGS)

lock:
	@command -v uv >/dev/null || { echo "uv is needed to write the lock files: pip install uv" >&2; exit 1; }
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header \
		--no-emit-index-url --quiet --output-file requirements-dev.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis .coverage dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
ifeq ($(VENV_WORKS),)
	$(if $(problem),$(error $(problem)))
	@echo "Making the environment .venv with $(PYTHON) ..."
	@$(PYTHON) -m venv --clear .venv
endif

# The environment keeps a copy of the lock it was installed from: nothing is installed again while that is the same.
define install
	@cmp -s $(1) .venv/$(1) || { echo "Installing what $(1) names; the first time this takes a minute ..." && \
		$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(1) && \
		cp $(1) .venv/$(1); } || { echo "The packages could not be installed (see above):" \
		"check the network or pip's settings, then try again." >&2; exit 1; }
endef

installed: venv
	$(call install,requirements.lock)

installed-dev: venv
	$(call install,requirements-dev.lock)
