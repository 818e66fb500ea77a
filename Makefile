# SPDX-License-Identifier: GPL-3.0-or-later
# make venv       the environment in .venv; .venv/bin/cryosegment then works
# make demo       a Scipion project on simulated micrographs, or on MICROGRAPHS='*.mrc' PIXEL_SIZE= DIAMETER=
# make quick      lint, types, and the fast tests of what changed since SINCE (main), the nearest first
# make reference  the API reference in reference/, made from the docstrings
# make test       all tests, and at the end what this machine lacks for some of them
#
# PYTHON=     an interpreter, 3.10 to 3.12, in place of the first one found
# TORCH=      the build of torch (make -B venv where .venv exists): cpu, cuda, a CUDA version such as
#             cu126, or a requirement with pip's options; left out: by whether an NVIDIA driver is here

PYTHON ?=
TORCH ?=
MICROGRAPHS ?=
PIXEL_SIZE ?=
DIAMETER ?=
SINCE ?= main

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
TEST_STAMP := $(VENV)/installed-for-tests
SKIPS := $(VENV)/skips
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --skips $(SKIPS)
PROTOCOL_TESTS := $(wildcard cryosegment/tests/test_protocols_*.py)
CANDIDATES := python3 python3.11 python3.12 python3.10
VERSION := 'import sys; print("%d.%d" % sys.version_info[:2])'
INSTALL := $(BIN)/python cryosegment/installation.py

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: venv demo quick test test-library $(PROTOCOL_TESTS) lint reference clean

venv: $(STAMP)

$(STAMP): setup.py cryosegment/installation.py cryosegment/requirements/constraints.txt
	@set -e; found=; \
	for name in $(or $(PYTHON),$(CANDIDATES)); do \
	  version=$$($$name -c $(VERSION) 2>/dev/null) || continue; \
	  case $$version in \
	    3.10|3.11|3.12) \
	      if $$name -c 'import tkinter' 2>/dev/null; then break; fi; \
	      found="$$found $$name ($$version without tkinter)"; version= ;; \
	    *) found="$$found $$name ($$version)"; version= ;; \
	  esac; \
	done; \
	if [ -z "$$version" ]; then \
	  echo "cryosegment needs Python 3.10, 3.11 or 3.12 with tkinter (on Debian: apt install" \
	    "python3-tk); found:$${found:- none}. Install one, or name it: make PYTHON=/path/to/python3.11" >&2; \
	  exit 1; \
	fi; \
	if $(BIN)/python -c 'import pip' 2>/dev/null && [ "$$($(BIN)/python -c $(VERSION))" = "$$version" ]; \
	then exit 0; fi; \
	echo "making $(VENV) with $$name ($$version)"; \
	$$name -m venv --clear $(VENV) || { \
	  echo "$$name cannot make virtual environments:" \
	    "install its venv module (on Debian: apt install python3-venv)" >&2; exit 1; }
	$(INSTALL) --torch '$(TORCH)' --editable '.[core,scipion]'
	touch $@

# CryoSPARC's plugin asks for a cryosparc-tools that wants numpy 1, and imports nothing of it; the
# oracle of the CRF's tests needs a compiler, and without it these tests are skipped
$(TEST_STAMP): $(STAMP)
	$(INSTALL) --editable '.[dev]'
	$(INSTALL) --no-deps scipion-em-cryosparc2
	if command -v c++ > /dev/null; then $(INSTALL) pydensecrf2 \
	  || echo "pydensecrf2 cannot be built here: the tests that need it will be skipped"; fi
	touch $@

demo: $(STAMP)
	$(BIN)/python -m cryosegment.demo --output demo $(if $(MICROGRAPHS),--micrographs '$(MICROGRAPHS)') \
	  $(if $(PIXEL_SIZE),--pixel-size $(PIXEL_SIZE)) $(if $(DIAMETER),--diameter $(DIAMETER))

lint: $(TEST_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

quick: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -m "not slow" --since $(SINCE) --seconds 40 \
	  cryosegment/tests/library

# protocols mostly wait, for Scipion to look whether a step has ended: three reports are made side by
# side on any number of cores, and each is shown when it is whole
test: lint
	@: > $(SKIPS)
	@$(MAKE) --no-print-directory --keep-going -j3 --output-sync=target test-library $(PROTOCOL_TESTS)
	@echo "Not tested on this machine (tests, reason):"; sort $(SKIPS) | uniq -c
	@echo "Scipion in Python 3.8, with the core in an environment of its own, is tested by .ci/run alone."

test-library: $(TEST_STAMP)
	$(PYTEST) cryosegment/tests/library

$(PROTOCOL_TESTS): $(TEST_STAMP)
	$(PYTEST) -o filterwarnings=default -W ignore::DeprecationWarning:pwem.viewers.plotter $@

reference: $(STAMP)
	$(INSTALL) --editable '.[docs]'
	$(BIN)/python scripts/write_reference.py $@

clean:
	rm -rf $(VENV) demo reference
