# Datashelf's commands. `make run` and `make test` need Python 3.11 or later and nothing else: they make .venv and install into it.
# PORT=8600 make run           another port
# PYTEST_ARGS="-k preview" make test
# WORKERS=1 make test          tests beside each other; many of them only wait, so a few more than cores are quicker

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --quiet --disable-pip-version-check
PORT ?=
PYTEST_ARGS ?=
WORKERS ?= 3
BENCH_ARGS ?=
SCREENS_ARGS ?=

.PHONY: help run test faults check audit format bench screens clean

help:
	@echo "make run      start Datashelf at http://localhost:8501 (PORT=… for another port)"
	@echo "make test     run the tests that fit into ten minutes, and say what was left out (DATASHELF_TEST_LONG=1: all)"
	@echo "make faults   kill app, store, database and clients at random and compare the books (FULL=1: 200 kills; SEED=…)"
	@echo "make check    lint, formatting, types, migrations, who may import whom"
	@echo "make audit    hold the installed packages against known vulnerabilities"
	@echo "make format   let ruff format and sort"
	@echo "make bench    measure the budgets beside their peers (BENCH_ARGS=--small for a quick look)"
	@echo "make screens  photograph every screen, light, dark and phone, into shots/"
	@echo "make clean    remove what these commands made; your data stays"

# `exec` puts Streamlit in the shell's place, so that Ctrl-C and SIGTERM reach it.
run: $(VENV)/.installed
	@exec $(PYTHON) -m streamlit run app.py $(if $(PORT),--server.port=$(PORT))

test: $(VENV)/.installed-dev
	@exec $(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# Reads FULL and SEED from its environment, where make puts what stands on its command line.
faults: $(VENV)/.installed-dev
	@exec $(PYTHON) -m tests.faults.everything

check: $(VENV)/.installed-dev
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	@folder=$$(mktemp -d); export DATABASE_URL=sqlite:///$$folder/check.db; \
	$(PYTHON) -m alembic -c db/alembic.ini upgrade head && $(PYTHON) -m alembic -c db/alembic.ini check; \
	code=$$?; rm -rf "$$folder"; exit $$code
	$(PYTHON) -m pytest -q tests/unit/test_architecture.py

audit: $(VENV)/.installed-dev
	@$(PYTHON) .ci/audit.py

format: $(VENV)/.installed-dev
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

bench: $(VENV)/.installed-dev
	@exec $(PYTHON) -m bench $(BENCH_ARGS)

screens: $(VENV)/.installed-dev
	@exec $(PYTHON) -m tests.browser.screens $(SCREENS_ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis shots bench/results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is as new as the last finished install, so pip runs again only where a requirements file changed since.
$(VENV)/.installed: requirements.txt | $(PYTHON)
	@echo "Installing what Datashelf needs into $(VENV), about a minute …"
	@$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt | $(PYTHON)
	@echo "Installing what Datashelf and its tests need into $(VENV), about a minute …"
	@$(PIP) install -r requirements-dev.txt
	@touch $(VENV)/.installed $@

# The first Python that is new enough and can make a virtual environment with pip (Debian ships venv as a package of its own).
$(PYTHON):
	@found=; \
	for python in python3.13 python3.12 python3.11 python3 python; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  found=$$python; \
	  "$$python" -m venv $(VENV) >/dev/null 2>&1 && exit 0; \
	  rm -rf $(VENV); \
	done; \
	if [ -n "$$found" ]; then \
	  echo "$$found cannot make a virtual environment. Install its venv module (Debian, Ubuntu: apt-get install python3-venv) and run make again." >&2; \
	else \
	  echo "Datashelf needs Python 3.11 or later, and none was found. Install one (Debian, Ubuntu: apt-get install python3 python3-venv) and run make again." >&2; \
	fi; \
	exit 1
