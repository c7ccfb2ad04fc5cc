# fivetuple: `make run` shows this machine's sockets, `make help` lists the rest.
#
# All that is made lies below .tools and starts from python3 and pip alone: uv, the tool that
# builds (.tools/build), the program (.tools/run), the tests and checks (.tools/dev). A stamp in
# each says when it was last right; scripts/setup does the work. The system's Python stays as it is.

PYTHON ?= python3
ARGS ?=
export PYTHON

RUN := .tools/run/bin
DEV := .tools/dev/bin
# Folders are named too: a file that went away changes its folder.
SOURCES := pyproject.toml README.md LICENSE $(shell find src -name __pycache__ -prune -o -print)

# A folder that was moved, or whose Python was replaced, is set up again: scripts have full paths.
ifneq ($(shell cat .tools/checkout 2>/dev/null):$(if $(realpath .tools/build/bin/python),usable),$(CURDIR):usable)
MOVED := moved
endif

.PHONY: help run test check bench bpf coverage clean moved
.DEFAULT_GOAL := help
.SUFFIXES:

help:
	@echo 'make run [ARGS="ls -tulpn"]   show the ports and sockets of this machine (sets all up first)'
	@echo 'make test [ARGS="-k who"]     run the tests; as root also those that make network namespaces'
	@echo 'make check                    formatting, lint, types, layers, generated files'
	@echo 'make bench [ARGS=...]         measure against ss, lsof, netstat and psutil'
	@echo 'make coverage                 run the tests and say which lines none of them reached'
	@echo 'make bpf                      compile the BPF objects again (needs clang-14)'
	@echo 'make clean                    remove what make made'

run: .tools/run/installed
	@$(RUN)/ft $(ARGS)

test: .tools/dev/installed
	@scripts/need-packages scripts/debian-packages.txt
	@$(DEV)/python -m pytest $(ARGS)

check: .tools/dev/installed .tools/dev/checks
	@PATH="$(CURDIR)/$(DEV):$$PATH" scripts/check

bench: .tools/run/installed .tools/dev/installed
	@scripts/need-packages scripts/debian-packages.txt
	@FT="$(CURDIR)/$(RUN)/ft" scripts/bench $(ARGS)

coverage: .tools/dev/installed
	@scripts/need-packages scripts/debian-packages.txt
	@$(DEV)/python -m coverage run -m pytest $(ARGS)
	@$(DEV)/python -m coverage combine -q
	@$(DEV)/python -m coverage report

bpf:
	@scripts/build_bpf

clean:
	rm -rf .tools .ruff_cache .hypothesis
	find src tests scripts bench -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# --- what scripts/setup makes ---------------------------------------------------------------

moved:
	@rm -rf .tools/uv .tools/build .tools/run .tools/dev

.tools/uv/stamp: requirements/uv.txt $(MOVED)
	@scripts/setup uv

.tools/build/stamp: requirements/build.txt .tools/uv/stamp
	@scripts/setup environment build requirements/build.txt

.tools/run/stamp: requirements/run.txt .tools/uv/stamp
	@scripts/setup environment run requirements/run.txt

.tools/dev/stamp: requirements/test.txt .tools/uv/stamp
	@scripts/setup environment dev requirements/test.txt

.tools/dev/checks: requirements/check.txt .tools/dev/stamp
	@scripts/setup checks

.tools/run/installed: $(SOURCES) .tools/run/stamp .tools/build/stamp
	@scripts/setup install

.tools/dev/installed: pyproject.toml .tools/dev/stamp .tools/build/stamp
	@scripts/setup editable
