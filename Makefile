# `make demo` and `make test` do everything on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin
DATA ?= ../shared/data
SOURCES := src tests tools benchmarks

.PHONY: demo test lint check-weights golden parity pseudo-labels ablation bench evidence clean \
    train-people train-everyday train-nuclei evaluate-people evaluate-everyday evaluate-nuclei

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

parity:
	$(PYTHON) tools/parity/make.py

# The shipped models. The first people model, whose pyramid and heads the others begin with, comes from the detector.
runs/first/best.safetensors: weights/ssdlite_mobilenet_v2_coco.safetensors
	$(BIN)/maskrcnn train $(DATA)/coco/annotations/people_train.json --out runs/first \
	    --model mobilenet_v2_fpn --body-weights $< --plan off --epochs 8 --image-size 352

train-people: runs/first/best.safetensors
	$(BIN)/maskrcnn train $(DATA)/coco/annotations/people_train.json --model $< --out runs/people --plan off \
	    --image-size 480 --crop-size 384 --scale 0.5 1.5 --copy-paste 0.3 --average 0.999 --precision bf16 --epochs 12

EVERYDAY := $(BIN)/python tools/train_everyday.py runs/pseudo/everyday_train.json \
    --agnostic-boxes --agnostic-masks --proposals 96 --image-size 416 --crop-size 320 --scale 0.6 1.4 --copy-paste 0.3 \
    --average 0.999 --precision bf16

# Twice: with the detector as a teacher alone, then with its class logits as a part of the model.
runs/everyday-first/best.safetensors: runs/first/best.safetensors pseudo-labels
	$(EVERYDAY) --model $< --out runs/everyday-first --lr 8e-4 --epochs 7

train-everyday: runs/everyday-first/best.safetensors
	$(BIN)/python tools/start_everyday.py $< --own 0.5 --out runs/everyday-start.safetensors
	$(EVERYDAY) --model runs/everyday-start.safetensors --keep-body --out runs/everyday --lr 5e-4 --epochs 9
	$(BIN)/python tools/sharpen.py runs/everyday/best.safetensors $(DATA)/coco/annotations/coco80_train.json \
	    --out runs/everyday/sharp.safetensors

train-nuclei: runs/first/best.safetensors
	$(BIN)/maskrcnn train $(DATA)/nuclei/train --class-names nucleus --model $< --out runs/nuclei --plan off \
	    --image-size 512 --crop-size 384 --scale 0.5 1.8 --flip x y --stretch --colour 0.3 --gamma 0.5 --grey 0.2 \
	    --invert 0.3 --proposals 128 --smallest-anchor 8 --precision bf16 --epochs 10

evaluate-people evaluate-everyday evaluate-nuclei: evaluate-%: .venv/installed
	$(BIN)/maskrcnn evaluate $(VAL_$*) --model $* --out runs/evaluate-$*

VAL_people := $(DATA)/coco/annotations/people_val.json
VAL_everyday := $(DATA)/coco/annotations/coco80_val.json
VAL_nuclei := $(DATA)/nuclei/val

# The table of docs/training.md.
ablation: runs/first/best.safetensors pseudo-labels
	$(BIN)/python tools/ablation.py --data $(DATA)

# MASKS=MODEL.safetensors: with masks of that model's mask head.
pseudo-labels: weights/ssdlite_mobilenet_v2_coco.safetensors
	$(BIN)/python tools/pseudo_label.py --data $(DATA)/coco --mode partial
	$(BIN)/python tools/pseudo_label.py --data $(DATA)/coco $(if $(MASKS),--masks-from $(MASKS))

# How much the score falls when what the evidence points to is hidden; photos on which nothing was chosen.
evidence: .venv/installed
	$(BIN)/python benchmarks/evidence.py $(VAL_people) --skip 60 --photos 40 --most 1

bench: .venv/installed
	$(BIN)/python benchmarks/models.py
	$(BIN)/python benchmarks/training.py

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
