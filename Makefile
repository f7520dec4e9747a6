# `make repro` and `make test` set up everything that they need; `make help` lists the rest.
PYTHON ?= python3
DATASET ?= animal_mnist
TRAIN ?= fast
OPTIONS ?=

export PATH := $(CURDIR)/.venv/bin:$(PATH)
RAW := data/raw/animal_mnist
PYTEST = pytest -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist worksteal  # one more than cores: some wait for servers
PARALLEL := $(strip $(if $(JOBS),--jobs $(JOBS)) $(if $(RAY),--ray $(RAY)))

.PHONY: help repro test test-all data verify audit scenarios results report docs bench lint hooks lock
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

repro: .venv/ready $(RAW)  ## run the experiment of params.yaml and print its table, on all cores; JOBS=N: on N; RAY=address: on a cluster
	$(strip python src repro $(PARALLEL))
	@python src summary

test: .venv/ready $(RAW)  ## run the unit tests and one test of each command and stage with real DVC: 4 minutes
	$(PYTEST) -m "not full"

test-all: .venv/ready $(RAW)  ## run all tests: 12 minutes
	$(PYTEST)

data: .venv/ready  ## bring images in: make data DATASET=animals10 FROM=<folder, .zip or .tar>
	@test -z "$(FROM)" || test "$(origin DATASET)" != file || \
	  { echo "error: say which data set they are: make data DATASET=animals10 FROM=..."; exit 1; }
	python src data --dataset $(DATASET) $(if $(FROM),--from "$(FROM)")

verify: .venv/ready $(RAW)  ## train every served member again, from scratch on its retained shard, and compare with dvc.lock
	python src verify

audit: .venv/ready  ## prove from dvc.lock, shards and weights that no served member holds what was to be forgotten
	python src audit

scenarios: .venv/ready $(filter data/raw/$(DATASET),$(RAW))  ## run leakage x classes of DATASET with TRAIN, each onto its branch scenario/...
	python src scenarios --dataset $(DATASET) --train $(TRAIN) $(strip $(PARALLEL) $(OPTIONS))

results: scenarios  ## make scenarios, then collect the branches into results/, README.md and docs/
	python src results

report: .venv/ready  ## write results/report.html: all results in one page, to open in a browser
	python src report

docs: repro .venv-docs/ready  ## build the documentation into site/, with the notebook run on the default experiment; needs npm
	python tools/reference.py
	python -m nbconvert --log-level WARN --execute --to markdown --output-dir docs notebooks/explore.ipynb
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build

bench: .venv/ready $(RAW)  ## measure speed: time to accuracy, time to forget, efficiency, growth (bring animals10 in first)
	python benchmarks/time_to_forget.py
	python benchmarks/cost_seconds.py
	python benchmarks/efficiency.py
	python benchmarks/time_to_accuracy.py

lint: .venv/ready  ## check format and style
	ruff format --check .
	ruff check .

hooks: .venv/ready  ## let Git run the linter before each commit
	pre-commit install

lock: .venv/ready  ## resolve requirements.in into requirements.txt, and the same for the documentation's
	for name in requirements requirements-docs; do \
	  uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate $$name.in -o $$name.txt; done

.venv/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed, $$($(PYTHON) --version) found; say which: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv-docs/ready: requirements-docs.txt tools/scripts.py | .venv/ready
	.venv/bin/python -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	.venv-docs/bin/python tools/scripts.py
	@touch $@

$(RAW): | .venv/ready
	python src data --dataset animal_mnist
