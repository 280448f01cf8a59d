# Every target works alone, first, on a bare clone. `make` lists them.

.DEFAULT_GOAL := help
.PHONY: help up demo bench test chaos soak fuzz matrix check fix lock clean

# Python may keep what it has compiled: the tests start hundreds of processes, each of which would compile the mesh anew.
unexport PYTHONDONTWRITEBYTECODE

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up:  ## Run everything on this machine, until Ctrl-C
	@deploy/setup.sh runtime
	@.venv/bin/mesh up

demo:  ## Start everything, push real input through it, show what came out
	@deploy/setup.sh runtime
	@.venv/bin/mesh demo

bench:  ## Measure this machine, side by side with what the mesh is compared to; ARGS="ingest --rounds 5" chooses
	@deploy/setup.sh bench
	@.venv/bin/mesh bench $(ARGS)

test:  ## Run the whole test suite, two files at a time, on private services; ARGS="-k word" chooses, "-n 0" runs one by one
	@deploy/setup.sh test
	@.venv/bin/python -m pytest -n 2 --no-loadscope-reorder $(ARGS)

chaos:  ## Kill, cut and starve the mesh under load, and count every message; ARGS="-k word" chooses
	@deploy/setup.sh test
	@.venv/bin/python -m pytest tests/chaos -m "(chaos or long) and not soak" $(ARGS)

soak:  ## Steady load on every role for MESH_SOAK_MINUTES (10), and the memory each role takes
	@deploy/setup.sh test
	@.venv/bin/python -m pytest tests/chaos -m soak $(ARGS)

fuzz:  ## Ten thousand wild messages for each queue, a thousand wild requests for each route; MESH_FUZZ_SEED=n replays
	@deploy/setup.sh test
	@.venv/bin/python -m pytest tests/fuzz -m "long or not long" $(ARGS)

matrix:  ## The suites against other versions of RabbitMQ and SQL, as root on Debian; ARGS="--only rabbitmq-4.3" chooses
	@deploy/setup.sh test
	@.venv/bin/python -m tests.matrix $(ARGS)

check:  ## Look for mistakes: style, types, imports, the map; changes nothing
	@deploy/setup.sh
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/python -m pytest tests/unit/map

fix:  ## Mend what can be mended by itself
	@deploy/setup.sh
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .
	@.venv/bin/python -m deploy.generate

COMPILE = uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate --upgrade --quiet

lock:  ## Pin every dependency anew in requirements.lock, and the benchmarks' peers in deploy/bench.lock
	@deploy/setup.sh
	@command -v uv >/dev/null || .venv/bin/python -m pip install --quiet uv
	@PATH="$$PATH:$(CURDIR)/.venv/bin" $(COMPILE) --all-extras -o requirements.lock
	@PATH="$$PATH:$(CURDIR)/.venv/bin" $(COMPILE) --group bench --constraint requirements.lock -o deploy/bench.lock

clean:  ## Delete what was made here: .venv, .mesh with its data, caches
	rm -rf .venv .venv-bench .mesh build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
