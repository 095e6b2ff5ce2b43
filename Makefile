# Everything a fresh machine needs is Python 3.11+ and make; `make demo` and `make test` set up the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: setup demo check test golden bench fmt

# The two stamps keep the second `make demo` fast: pip runs only when the dependencies changed.
$(VENV)/run.stamp: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/dev.stamp: pyproject.toml $(VENV)/run.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test,dev]"
	touch $@

setup: $(VENV)/dev.stamp

demo: $(VENV)/run.stamp
	@bash .ci/demo $(BIN)

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

# Takes the pictures of tests/golden anew; look at each before you commit it.
golden: $(VENV)/dev.stamp
	$(BIN)/python -m pytest --golden tests/browser/test_golden_pictures.py

bench: $(VENV)/dev.stamp
	PYTHONPATH=. $(BIN)/python benchmarks/run.py

fmt: $(VENV)/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
