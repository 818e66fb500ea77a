# SPDX-License-Identifier: GPL-3.0-or-later
# make venv   the environment in .venv; .venv/bin/cryosegment then works
# make demo   a Scipion project on simulated micrographs, or on MICROGRAPHS='*.mrc' PIXEL_SIZE= DIAMETER=
# make test   all tests
#
# PYTHON=     an interpreter, 3.10 to 3.12, in place of the first one found
# TORCH=      a torch requirement in place of the pinned one, with pip's options (make -B venv where
#             .venv exists), such as
#             TORCH='torch==2.7.1 --index-url https://download.pytorch.org/whl/cu126'

PYTHON ?=
TORCH ?=
MICROGRAPHS ?=
PIXEL_SIZE ?=
DIAMETER ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
PINS := $(VENV)/constraints.txt
CANDIDATES := python3 python3.11 python3.12 python3.10
VERSION := 'import sys; print("%d.%d" % sys.version_info[:2])'
PIP := $(BIN)/python -m pip

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: venv demo test lint clean

venv: $(STAMP)

$(STAMP): setup.py requirements/constraints.txt
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
	if [ "$$($(BIN)/python -c $(VERSION) 2>/dev/null)" = "$$version" ]; then exit 0; fi; \
	echo "making $(VENV) with $$name ($$version)"; \
	$$name -m venv --clear $(VENV) || { \
	  echo "$$name cannot make virtual environments:" \
	    "install its venv module (on Debian: apt install python3-venv)" >&2; exit 1; }
	grep -v $(if $(TORCH),'^torch==','^#') requirements/constraints.txt > $(PINS)
	$(if $(TORCH),$(PIP) install $(TORCH))
	$(PIP) install --constraint $(PINS) --editable '.[core,scipion,dev]'
	@# the oracle of the CRF's tests needs a compiler; without it these tests are skipped
	if command -v c++ > /dev/null; then $(PIP) install --constraint $(PINS) pydensecrf2 \
	  || echo "pydensecrf2 cannot be built here: the tests that need it will be skipped"; fi
	touch $@

demo: $(STAMP)
	$(BIN)/python -m cryosegment.demo --output demo $(if $(MICROGRAPHS),--micrographs '$(MICROGRAPHS)') \
	  $(if $(PIXEL_SIZE),--pixel-size $(PIXEL_SIZE)) $(if $(DIAMETER),--diameter $(DIAMETER))

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -o filterwarnings=default cryosegment/tests/test_protocols_*.py
	OMP_NUM_THREADS=1 $(BIN)/pytest cryosegment/tests/library

clean:
	rm -rf $(VENV) demo
