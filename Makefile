# `make` lists the commands. Each sets up what is missing first: a virtual environment in .venv from the
# locked versions, unless an environment made from environment.yml is active.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help lab test course teach grade report leaderboard samples mutants browser-test bench executed lint lock clean setup

ifeq ($(CONDA_DEFAULT_ENV),conv2d-course)
BIN := $(CONDA_PREFIX)/bin
READY :=
else
BIN := $(CURDIR)/.venv/bin
READY := .venv/ready
endif
export PATH := $(BIN):$(PATH)

LOCKED := requirements.lock course/pyproject.toml pyproject.toml

help: ## list the commands
	@echo "make COMMAND, where COMMAND is one of:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

lab: $(READY) ## work through the course: open JupyterLab on course/
	@JUPYTER_CONFIG_PATH="$(CURDIR)/course/.jupyter" jupyter lab --ServerApp.root_dir=course $(LAB_FLAGS)

test: $(READY) ## run the tests
	@python -m pytest -m "not browser" $(PYTEST_FLAGS)

browser-test: $(READY) ## run the tests that drive JupyterLab in Chromium
	@python -m pytest -m browser --numprocesses=0 $(PYTEST_FLAGS)

course: $(READY) ## regenerate course/ from solutions/ (refuses to overwrite a notebook that was worked in)
	@jupytext --sync --quiet solutions/*/*.nb.py
	@python -m grader.build
	@test ! -d grader/submitted/sample_perfect || python -m grader.samples

teach: $(READY) ## for instructors: JupyterLab with Formgrader, and the sources as notebooks
	@jupytext --sync --quiet solutions/*/*.nb.py
	@python -m grader.build --gradebook
	@JUPYTER_CONFIG_PATH="$(CURDIR)/grader" jupyter lab --ServerApp.root_dir=. $(LAB_FLAGS)

grade: $(READY) ## grade grader/submitted/<student>/<assignment>/: gradebook, feedback, a table
	@python -m grader $(GRADE_FLAGS)

report: $(READY) ## print the table again, without grading
	@python -m grader.report

leaderboard: $(READY) ## rank the recipes for speed that students of notebook 13 handed in
	@python -m grader.leaderboard

samples: $(READY) ## rewrite the sample submissions in grader/submitted/sample_*
	@python -m grader.samples

mutants: $(READY) ## run every misconception as a student: which lose points, which are told their own sentence
	@python -m grader.mutants

bench: $(READY) ## run the benchmarks and record their results in benchmarks/results/
	@for file in benchmarks/*.py; do python "$$file" || exit 1; done

executed: $(READY) ## on a GPU: run notebooks 11 to 13 and keep what comes out in course/convlab/recorded/
	@python benchmarks/executed.py

lint: $(READY) ## check the style of the code
	@ruff check .
	@ruff format --check .
	@oxlint --deny-warnings

lock: $(READY) ## write requirements.lock anew from the two pyproject.toml
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
		--custom-compile-command "make lock" --all-extras \
		course/pyproject.toml pyproject.toml -o requirements.lock

clean: ## remove .venv and caches (no one's work)
	@rm -rf .venv .pytest_cache .ruff_cache .hypothesis tests/artefacts *.egg-info course/*.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} +

setup: $(READY) ## only set up

.venv/ready: $(LOCKED)
	@sh grader/setup.sh
	@touch $@
