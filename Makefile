# `make help` lists the targets. Each target installs what it needs; only Python and make are required.

# The interpreter for the environment. PYTHON=... names another one.
PYTHON = $(shell for python in python3 python3.15 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" $(IS_SUPPORTED) && echo "$$python" && break; done)

# Other paths for generate and check-generated, absolute or relative: make generate SPEC=...
SPEC =
CONFIG =
OUTPUT =
# The revision that `review` compares with. The default is origin/main, or main.
BASE =
# The Apifox export that `compare-export` reads.
EXPORT =
export SPEC CONFIG OUTPUT BASE EXPORT

# Where packages come from is up to the user; where they are installed and what runs is not.
FETCHING = CACHE_DIR CERT CLIENT_CERT CONFIG_FILE DEFAULT_TIMEOUT EXTRA_INDEX_URL FIND_LINKS INDEX_URL \
	KEYRING_PROVIDER NO_BINARY NO_CACHE_DIR NO_INDEX NO_INPUT ONLY_BINARY PREFER_BINARY PROXY RETRIES \
	TIMEOUT TRUSTED_HOST
unexport $(filter-out $(FETCHING:%=PIP_%),$(filter PIP_%,$(.VARIABLES)))
unexport PYTHONEXECUTABLE PYTHONHOME PYTHONINSPECT PYTHONIOENCODING PYTHONOPTIMIZE PYTHONPATH \
	PYTHONPLATLIBDIR PYTHONSAFEPATH PYTHONWARNINGS
# Python reads the path of an installed project as ASCII if this variable says so.
ifneq ($(filter C POSIX,$(LC_ALL)),)
unexport LC_ALL
endif
export PYTHONUTF8 = 1

VENV = .venv/installed
NODE = .node/redocly
BENCH = .bench/installed
IS_SUPPORTED = -E -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
BIN = .venv/bin
RUN = $(BIN)/python
GENERATE = $(RUN) -m tools.generator $(if $(SPEC),--spec "$$SPEC") \
	$(if $(CONFIG),--config "$$CONFIG") $(if $(OUTPUT),--output "$$OUTPUT")
SOURCES = bench docs examples runtime tests tools

.PHONY: help demo test generate check-generated lint lint-spec compare-export review docs bench check build check-release check-tag lock clean
.DELETE_ON_ERROR:
.DEFAULT_GOAL = help

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 18

demo: $(VENV)  ## create a video and save it, with a local relay or the gateway at GROK_BASE_URL
	@mkdir -p build
	@$(if $(GROK_BASE_URL),,$(RUN) examples/relay.py --database build/jobs.sqlite --) \
		$(BIN)/grok-imagine-video create "A serene lake at sunrise with mist rolling over the water" \
		--duration 4 --aspect-ratio 16:9 --resolution 480p --interval 1 -o build/lake.mp4 --force

test: $(VENV)  ## run all tests
	@$(RUN) -m pytest -n auto --dist worksteal

generate: $(VENV)  ## rebuild the package from the spec; SPEC=, CONFIG= and OUTPUT= set other paths
	@$(GENERATE)

check-generated: $(VENV)  ## fail if the package is not up to date with the spec
	@$(GENERATE) --check

lint: $(VENV)  ## check style and types of hand-written and generated code
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(RUN) -m mypy generated $(SOURCES)
	@$(RUN) -m mypy --platform win32 generated runtime examples
	@$(BIN)/basedpyright
	@$(BIN)/zizmor --offline --quiet --strict-collection --pedantic --format github .github

lint-spec: $(VENV) $(NODE)  ## check the spec against the rules in redocly.yaml
	@$(RUN) -m tools.review.lint

compare-export: $(VENV)  ## report what differs between the Apifox export EXPORT= and the spec
	@$(RUN) -m tools.export "$${EXPORT:?name the export: make compare-export EXPORT=path}"

review: $(VENV) $(NODE)  ## report what a spec change breaks or adds; BASE= sets the base revision
	@$(RUN) -m tools.review $(if $(SPEC),--spec "$$SPEC") $(if $(BASE),--base "$$BASE")

docs: lint-spec  ## build the documentation into build/docs; open index.html there
	@$(RUN) -m tools.docs

bench: $(VENV) $(BENCH)  ## measure the client and its peers; takes five minutes
	@rm -rf build/bench
	@$(RUN) -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
		--wheel-dir build/bench .
	@.bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall \
		build/bench/*.whl
	@.bench/bin/python -m bench

check: lint lint-spec check-generated test build  ## run every check that a change must pass

# The files in a build have the time of the commit, so that every build of a commit is identical.
build: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 315532800)
build: $(VENV)  ## build the wheel and the source distribution into dist/
	@rm -rf dist
	@$(RUN) -m hatchling build

check-release: $(VENV)  ## check that the files in dist/ can be released, and work when installed
	@$(BIN)/twine check --strict dist/*
	@$(BIN)/check-wheel-contents dist/*.whl
	@$(RUN) -m venv --clear build/installed
	@build/installed/bin/python -m pip install --quiet --disable-pip-version-check dist/*.whl
	@build/installed/bin/python -m pip check --disable-pip-version-check
	@cd build/installed && bin/python -I "$(CURDIR)/tests/smoke.py"

check-tag: $(VENV)  ## fail unless TAG is v plus the spec's version, and CHANGELOG.md has that version
	@version=$$($(RUN) -c 'import pathlib, ruamel.yaml; spec = pathlib.Path("openapi.yaml"); \
		print(ruamel.yaml.YAML(typ="safe").load(spec)["info"]["version"])') && \
	if [ "$$TAG" != "v$$version" ]; then \
		echo "make: the tag is $$TAG, but openapi.yaml has the version $$version" >&2; exit 1; \
	elif ! grep -qF "## [$$version]" CHANGELOG.md; then \
		echo "make: CHANGELOG.md has no heading ## [$$version]" >&2; exit 1; \
	fi

lock: $(VENV)  ## pin the newest development tools and peers, with hashes
	@$(RUN) -m uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --python-version 3.11 \
		--all-extras --output-file requirements-dev.txt pyproject.toml requirements-dev.in
	@$(RUN) -m uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --python-version 3.11 \
		--output-file requirements-node.txt requirements-node.in
	@$(RUN) -m uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --python-version 3.11 \
		--output-file bench/requirements.txt pyproject.toml bench/requirements.in

clean:  ## remove everything that other targets created
	rm -rf .venv .node .bench .mypy_cache .pytest_cache .ruff_cache build dist

# npm checks every package against the hash in package-lock.json.
$(NODE): tools/node/redocly tools/node/package-lock.json requirements-node.txt | $(VENV)
	@$(RUN) -m venv --clear .node
	@.node/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.txt
	@cp tools/node/package.json tools/node/package-lock.json .node
	@cd .node && PATH="$$PWD/bin:$$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@cp tools/node/redocly $@

$(BENCH): bench/requirements.txt pyproject.toml | $(VENV)
	@$(RUN) -m venv --clear .bench
	@.bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bench/requirements.txt
	@touch $@

$(VENV): requirements-dev.txt pyproject.toml
	@"$(PYTHON)" $(IS_SUPPORTED) || { echo \
		"make: no Python 3.11 or newer$(PYTHON:%= at %); install one, or set PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -m venv --clear .venv
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
