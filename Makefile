# `make demo` and `make test` do everything on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin
DATA ?= ../shared/data
SOURCES := src tests tools benchmarks

.PHONY: demo test lint check-weights golden train-people evaluate-people bench clean

demo: .venv/installed
	$(BIN)/maskrcnn demo --out demo

test: .venv/installed-test lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

lint: .venv/installed-test
	$(BIN)/ruff check $(wildcard $(SOURCES))
	$(BIN)/ruff format --check $(wildcard $(SOURCES))
	$(BIN)/mypy

# What no test needs and takes long: weights to start from, reference recordings, training, timing.
weights/ssdlite_mobilenet_v2_coco.safetensors: .venv/installed
	$(BIN)/python tools/convert_ssdlite.py --out $@

check-weights: weights/ssdlite_mobilenet_v2_coco.safetensors
	$(BIN)/python tools/check_weights.py --data $(DATA)/coco

golden:
	$(PYTHON) tools/golden/make.py

train-people: weights/ssdlite_mobilenet_v2_coco.safetensors
	$(BIN)/maskrcnn train $(DATA)/coco/annotations/people_train.json --val $(DATA)/coco/annotations/people_val.json \
	    --model mobilenet_v2_fpn --body-weights $< --epochs 8 --image-size 352 --validate-every 4 --out runs/people

evaluate-people: .venv/installed
	$(BIN)/maskrcnn evaluate $(DATA)/coco/annotations/people_val.json --model people --out runs/evaluate-people

bench: .venv/installed
	$(BIN)/python benchmarks/people.py

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install -q -c constraints.txt -e .
	touch $@

.venv/installed-test: .venv/installed
	$(BIN)/pip install -q -c constraints.txt -e ".[test]"
	touch $@

clean:
	rm -rf .venv build demo out
