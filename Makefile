# Every target brings what it needs: a virtual environment in this folder, made with a Python
# >= 3.11 (set PYTHON to choose one), and renewed when pyproject.toml or the native engine changes.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Two threads of BLAS on matrices of these sizes are slower than one; the engine has its own.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export MPLBACKEND := Agg

OUT := results
RUN := all
SITE := site
WORKERS := 2
VENV := .venv/bin/python -m
PARITY := .venv-parity/bin/python -m
LOWEST := .venv-lowest/bin/python -m
BENCH :=
LOCK := tools/bench.lock
CAMPAIGN := --resume
PARTS :=
BUILD = pyproject.toml CMakeLists.txt tools/build_backend.py tools/environment $(wildcard native/src/*)
TESTS = -n $(WORKERS) --dist worksteal --ignore=tests/parity

.PHONY: help run docs site test quick types lint coverage bench bench-tables campaign parity lowest clean

help:
	@echo "make run      run every experiment on the digits; the page is $(OUT)/index.html"
	@echo "make docs     run them, and renew docs/experiments from what they found"
	@echo "make site     the documentation as a site without a server: $(SITE)/index.html"
	@echo "make test     lint, types and tests"
	@echo "make quick    lint, types and some tests of each room, in one to two minutes on two cores"
	@echo "make types    mypy and pyright on the README, the pages and a script of every name"
	@echo "make lint     ruff, mypy and clang-format alone"
	@echo "make coverage the tests, and which lines and branches they reach: 95 % at least"
	@echo "make bench    time trainlab against PyTorch, JAX, scikit-learn and loops (downloads them)"
	@echo "make bench-tables  models of tables beside CatBoost, LightGBM, XGBoost, RealMLP, TabM (downloads them)"
	@echo "make campaign  hours of kills, faults, bad inputs, installations and mutants (PARTS='mutants ...': some of it)"
	@echo "make parity   compare with PyTorch, optax and JAX (downloads them)"
	@echo "make lowest   the tests on the oldest versions that pyproject.toml admits"
	@echo "make clean    remove environments, caches and $(OUT)"

run: .venv/installed
	$(VENV) trainlab run $(RUN) --out "$(OUT)"

docs: RUN = all
docs: run
	.venv/bin/python tools/pages.py "$(OUT)"

# Warnings, broken links, names that no page describes and notebooks that fail are errors.
site: .venv-site/installed
	.venv-site/bin/python tools/site "$(SITE)"

lint: .venv/installed
	$(VENV) ruff check .
	$(VENV) ruff format --check .
	$(VENV) mypy
	.venv/bin/clang-format --dry-run --Werror native/*/*.[ch]pp

test: lint
	$(VENV) pytest $(TESTS)

# Fewer tests, listed in tests/quick.txt, and of each the fewest cases that have every value once.
quick: lint
	$(VENV) pytest -n $(WORKERS) --dist worksteal -q --fewest-cases @tests/quick.txt

types: .venv/installed
	$(VENV) pytest tests/types

# Watching every line makes the tests take 1.3 to 1.7 times as long: hence not with `make test`.
coverage: .venv/installed
	$(VENV) pytest $(TESTS) --cov --cov-report=term-missing:skip-covered

# BENCH="--workloads A B --repeats 5", "--quick", "--resume", "--page"; BENCH=--help says all.
# LOCK= takes the versions of pyproject.toml alone, and of what they need the newest.
bench: .venv-bench/installed
	.venv-bench/bin/python -m benchmarks $(BENCH)

# BENCH="--tables FOLDER", "--resume", "--page"; BENCH=--help says all
bench-tables: .venv-bench-tables/installed
	.venv-bench-tables/bin/python -m benchmarks.tables $(BENCH)

# Goes on where it was interrupted, and shows failures in the table too. CAMPAIGN="--seed 1" begins anew; CAMPAIGN=--help says all.
campaign: .venv/installed
	@$(VENV) campaign $(PARTS) --workers $(WORKERS) $(CAMPAIGN); status=$$?; \
	if [ $$status -le 1 ]; then $(VENV) campaign table || status=$$?; fi; exit $$status

parity: .venv-parity/installed
	$(PARITY) pytest -m parity tests/parity

# Old libraries use what newer ones of theirs call deprecated, and say less of types: that is no
# news about trainlab.
lowest: .venv-lowest/installed
	$(LOWEST) pytest $(TESTS) --ignore=tests/types -W default::DeprecationWarning

clean:
	rm -rf .venv .venv-bench .venv-bench-tables .venv-parity .venv-lowest .venv-site .coverage .coverage.* .mypy_cache .pytest_cache \
	    .ruff_cache build dist src/trainlab/engine/_native.* "$(OUT)" "$(SITE)"
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/installed: $(BUILD)
	@tools/environment .venv --group test --editable .

.venv-bench/installed: $(BUILD) $(LOCK)
	@tools/environment .venv-bench $(if $(LOCK),--lock $(LOCK),--group bench) --editable .

.venv-bench-tables/installed: $(BUILD)
	@tools/environment .venv-bench-tables --group tables-bench --editable .

.venv-parity/installed: $(BUILD)
	@tools/environment .venv-parity --group parity --group test --editable .

.venv-site/installed: $(BUILD)
	@tools/environment .venv-site --group docs --editable .

.venv-lowest/installed: $(BUILD)
	@tools/environment .venv-lowest --lowest --group test --editable .
