# The two commands of the README are `make demo` and `make test`; CONTRIBUTING.md has the rest.
PYTHON ?= python3
VENV ?= .venv
OLDEST ?= .venv-oldest
BIN := $(VENV)/bin
RUN := $(BIN)/easy2hard
DEMO ?= demo
FLOORS := identity median-3 median-5 gaussian-blur detect-interpolate

.PHONY: demo test test-oldest check bench format install install-dev

demo: install
	@echo "== 1 of 5: drawing the data of the suite sp (about 10 s)"
	$(RUN) generate --noise sp --out $(DEMO)/data
	@echo "== 2 of 5: scoring the filters that any model has to beat (about 30 s)"
	@for floor in $(FLOORS); do $(RUN) evaluate $$floor --suite sp --data $(DEMO)/data --out $(DEMO)/runs || exit 1; done > /dev/null
	@echo "== 3 of 5: training a deep-thinking net on the easy level, scoring it on all (about 3 min on 2 cores)"
	$(RUN) evaluate dt --recipe quick --suite sp --data $(DEMO)/data --out $(DEMO)/runs
	@echo "== 4 of 5: rendering the board"
	@for entry in $(FLOORS) dt; do $(RUN) submit $$entry --runs $(DEMO)/runs --into $(DEMO)/submissions || exit 1; done
	$(RUN) leaderboard --submissions $(DEMO)/submissions --out $(DEMO)/leaderboard
	@echo "== 5 of 5: drawing the figures"
	$(RUN) figures sp --submissions $(DEMO)/submissions --out $(DEMO)/figures
	@echo "Done. Data: $(DEMO)/data/sp. Board: $(DEMO)/leaderboard/README.md. Figures: $(DEMO)/figures."

test: install
	$(BIN)/python -m pytest -n 2 -q

check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell
	$(BIN)/python -m pytest -n 2 -q

# The Hub with the oldest clients that pyproject.toml allows; `make test` has the newest.
test-oldest:
	$(PYTHON) -m venv $(OLDEST)
	grep -v -E '^(datasets|huggingface_hub|polars|duckdb)==' constraints.txt > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/pip install -q -c $(OLDEST)/constraints.txt 'datasets==4.0.*' 'huggingface_hub==0.34.*' -e '.[test]'
	$(OLDEST)/bin/python -m pytest -q tests/test_hub*.py

bench: install-dev
	$(BIN)/pip install -q -c constraints.txt -e '.[bench]'
	$(BIN)/python -m pytest tests/benchmarks -q -s --benchmark-disable-gc --benchmark-columns=median

format: install-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e '.[test]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install -q -c constraints.txt -e '.[dev]'
	@touch $@
