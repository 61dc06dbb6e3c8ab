# make demo   sets everything up and runs the shipped model on demo/photos
# make test   installs what the tests need and runs all of them
# make quick  runs those that take no time, while one works
# make lint   checks style and formatting
# make clean  removes what these made
#
# PYTHON names the interpreter (3.11 or newer) that .venv is made from;
# TEST_ARGS is handed to pytest: make test TEST_ARGS="-k skeleton".

PYTHON ?= python3
VENV ?= .venv
OUT ?= out/demo
TEST_ARGS ?=
# Two processes: importing TensorFlow and tracing take most of the time.
TEST_JOBS ?= 2

PIP = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test quick lint format clean
.DELETE_ON_ERROR:

demo: $(VENV)/demo.done
	$(VENV)/bin/python -m tools.predict --model=saved_models/lite \
		--images=demo/photos --boxes=demo/boxes.json --out=$(OUT)
	@echo "Pictures: $(OUT)/*.png. Numbers: $(OUT)/predictions.npz."

test: $(VENV)/test.done
	$(VENV)/bin/python -m pytest -n $(TEST_JOBS) $(TEST_ARGS)

quick: $(VENV)/test.done
	$(VENV)/bin/python -m pytest -n $(TEST_JOBS) -m "not slow" $(TEST_ARGS)

lint: $(VENV)/lint.done
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

format: $(VENV)/lint.done
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

clean:
	rm -rf $(VENV) $(OUT) build *.egg-info .pytest_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; name one: make PYTHON=..."; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)

# Without build isolation, so that the pinned setuptools builds the package
# and nothing else is fetched.
$(VENV)/demo.done: requirements/demo.txt setup.py | $(VENV)/bin/python
	@echo "Installing the package into $(VENV): a few minutes the first time."
	$(PIP) -r requirements/demo.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/test.done: requirements/test.txt $(VENV)/demo.done
	$(PIP) -r requirements/test.txt
	touch $@

$(VENV)/lint.done: requirements/lint.txt | $(VENV)/bin/python
	$(PIP) -r requirements/lint.txt
	touch $@
