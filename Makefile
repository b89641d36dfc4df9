# `make demo` and `make test` do everything on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin
DATA ?= ../shared/data
SOURCES := src tests tools benchmarks runtime

.PHONY: demo test lint check-weights golden parity pseudo-labels ablation bench bench-models evidence clean edge \
    train-people train-everyday train-nuclei train-ecg train-digits train-hippocampus \
    evaluate-people evaluate-everyday evaluate-nuclei evaluate-ecg evaluate-digits evaluate-hippocampus dna synthetic \
    bench-tracking bench-video bench-studio bench-labelling bench-volume bench-trees bench-masks fuzz api notebook \
    package songs whole-files

demo: .venv/installed
	$(BIN)/maskrcnn demo --out demo

test: .venv/installed-test lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

lint: .venv/installed-test
	$(BIN)/ruff check $(wildcard $(SOURCES))
	$(BIN)/ruff format --check $(wildcard $(SOURCES))
	$(BIN)/mypy

# Pages that are made: docs/api.md from docstrings, docs/tutorial.ipynb from docs/tutorial.md.
api: .venv/installed
	$(BIN)/python tools/make_api.py

notebook: .venv/installed
	$(BIN)/python tools/make_notebook.py

# Wheel and sdist, checked, then the wheel installed into an empty environment, where the demo must pass.
package: SMALLER_THAN := 95000000
package:
	rm -rf build/package dist && mkdir -p build/package
	$(PYTHON) -m venv build/package/tools && build/package/tools/bin/pip install -q build twine
	build/package/tools/bin/python -m build --outdir dist
	build/package/tools/bin/twine check --strict dist/*
	test $$(stat -c %s dist/*.whl) -lt $(SMALLER_THAN)
	$(PYTHON) -m venv build/package/empty && build/package/empty/bin/pip install -q -c constraints.txt dist/*.whl
	cd build/package && empty/bin/maskrcnn demo --out demo
	build/package/empty/bin/pip install -q -c constraints.txt '.[signals]'

# Mutants of valid files for every reader and loader, see tests/fuzz/README.md. SEED=7: the same ones again.
fuzz: MINUTES ?= 15
fuzz: .venv/installed-test
	PYTHONPATH=tests $(BIN)/python -m fuzz.run --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

# The data that models are trained and measured on are not in this repository. What is asked for and needs a folder of
# them that is not there ends at once, before anything is installed or fetched.
USES_animals := bench-labelling train-everyday train-people runs/everyday-third/% runs/everyday/% \
    runs/people-start.safetensors runs/people/% runs/people-sharp% runs/everyday-sharp% runs/closeup/% runs/negatives.json
USES_coco := check-weights whole-files bench-masks pseudo-labels ablation evidence train-people \
    train-everyday train-nuclei evaluate-people evaluate-everyday runs/first/% runs/everyday% runs/people% runs/closeup/% runs/nuclei-first/% runs/pseudo/% runs/third.json \
    runs/tenth.json runs/quiet.json
USES_dna := dna whole-files
USES_ecg_qtdb := train-ecg evaluate-ecg runs/ecg/%
USES_hippocampus := associate-check train-hippocampus evaluate-hippocampus runs/hippocampus-first/% \
    runs/hippocampus-objects/%
USES_nuclei := train-nuclei evaluate-nuclei runs/nuclei-first/%
USES_spoken_digits := whole-files train-digits evaluate-digits runs/digits/%
USES_volumes := synthetic runs/real-nuclei
MISSING := $(foreach folder,animals coco dna ecg_qtdb hippocampus nuclei spoken_digits volumes,\
    $(if $(filter $(USES_$(folder)),$(MAKECMDGOALS)),$(if $(wildcard $(DATA)/$(folder)),,$(DATA)/$(folder))))
ifneq ($(strip $(MISSING)),)
$(error There is no $(firstword $(MISSING)): docs/data.md says where the data come from and how they must lie; if they are \
    elsewhere, add DATA=FOLDER)
endif

# What no test needs and takes long: weights to start from, reference recordings, training, timing.
weights/ssdlite_mobilenet_v2_coco.safetensors: .venv/installed
	$(BIN)/python tools/convert_ssdlite.py --out $@

weights/movenet_lightning.safetensors: .venv/installed
	$(BIN)/python tools/convert_movenet.py --out $@

check-weights: weights/ssdlite_mobilenet_v2_coco.safetensors
	$(BIN)/python tools/check_weights.py --data $(DATA)/coco

golden:
	$(PYTHON) tools/golden/make.py

parity:
	$(PYTHON) tools/parity/make.py

# The shipped models. A first model of people, whose pyramid and heads the others begin with, comes from the detector.
runs/first/best.safetensors: weights/ssdlite_mobilenet_v2_coco.safetensors
	$(BIN)/maskrcnn train $(DATA)/coco/annotations/people_train.json --out runs/first \
	    --model mobilenet_v2_fpn --body-weights $< --plan off --epochs 8 --image-size 352

EVERYDAY := $(BIN)/python tools/train_everyday.py runs/pseudo/everyday_train.json \
    --agnostic-boxes --agnostic-masks --proposals 96 --image-size 416 --crop-size 320 --scale 0.6 1.4 --copy-paste 0.3 \
    --average 0.999 --precision bf16

# Twice: with the detector as a teacher alone, then with its class logits as a part of the model.
runs/everyday-first/best.safetensors: runs/first/best.safetensors pseudo-labels
	$(EVERYDAY) --model $< --out runs/everyday-first --lr 8e-4 --epochs 7

runs/everyday-second/best.safetensors: runs/everyday-first/best.safetensors
	$(BIN)/python tools/start_everyday.py $< --own 0.5 --out runs/everyday-second-start.safetensors
	$(EVERYDAY) --model runs/everyday-second-start.safetensors --keep-body --out runs/everyday-second --lr 5e-4 --epochs 9

# Every third photo with all 80 classes is kept to choose settings on.
runs/third.json: .venv/installed
	mkdir -p runs && ln -sfn $(abspath $(DATA))/coco/images runs/images
	$(BIN)/python tools/every_nth.py $(DATA)/coco/annotations/coco80_train.json 3 $@

runs/pseudo/rest.json: runs/third.json weights/ssdlite_mobilenet_v2_coco.safetensors
	$(BIN)/python tools/pseudo_label.py --data $(DATA)/coco --mode partial
	$(BIN)/python tools/leave_out.py runs/pseudo/everyday_partial.json $< $@

# What stands on the detector learns, from real labels, while its body, classes and boxes stay as they are.
TOP := --plan off --agnostic-boxes --agnostic-masks --proposals 96 --image-size 416 --crop-size 352 --scale 0.6 1.4 \
    --copy-paste 0.3 --average 0.998 --precision bf16 --freeze all --lr 5e-4
EVERYDAY_TOP := $(BIN)/maskrcnn train --mask-data $(DATA)/animals/train $(TOP)

# First without the photos on which settings are chosen, then with all.
runs/everyday-third/best.safetensors: runs/everyday-second/best.safetensors runs/pseudo/rest.json
	$(BIN)/python tools/start_everyday.py $< --body --photos $(DATA)/coco/annotations/people_train.json --proposals 100 \
	    --sharpness 32 --out runs/everyday-start.safetensors
	$(EVERYDAY_TOP) runs/pseudo/rest.json --model runs/everyday-start.safetensors --out runs/everyday-third --epochs 5

train-everyday: runs/everyday-sharp.safetensors

runs/everyday/best.safetensors: runs/everyday-third/best.safetensors
	$(EVERYDAY_TOP) runs/pseudo/everyday_partial.json --model $< --out runs/everyday --epochs 3

runs/everyday/finished.safetensors runs/people/finished.safetensors: %/finished.safetensors: %/best.safetensors
	$(BIN)/python tools/finish.py $< --out $@

# People: the same detector's persons, with the masks of large ones read from finer levels, and MoveNet for their joints.
# Photos that show nobody are animals, and those without labels in which the detector sees nobody.
runs/people-start.safetensors: runs/everyday/best.safetensors weights/movenet_lightning.safetensors
	$(BIN)/python tools/pool_masks.py $< --size 256 --out runs/everyday-finer.safetensors
	$(BIN)/python tools/start_people.py runs/everyday-finer.safetensors $(DATA)/coco/annotations/people_train.json --out $@

runs/negatives.json: .venv/installed
	$(BIN)/python tools/negatives.py $(DATA)/animals/train/_annotations.coco.json person --every 3 --out $@

runs/quiet.json: weights/ssdlite_mobilenet_v2_coco.safetensors
	$(BIN)/python tools/quiet_photos.py $(DATA)/coco/unlabelled person --out $@

runs/people/best.safetensors: runs/people-start.safetensors runs/negatives.json runs/quiet.json
	$(BIN)/maskrcnn train $(DATA)/coco/annotations/people_train.json runs/negatives.json runs/quiet.json --model $< \
	    --out runs/people $(TOP) --body-lr 0.1 --epochs 5

# A head that looks at each object from close up, taught by itself on every mask of those photos, for both models.
runs/closeup/best.safetensors: runs/people/finished.safetensors
	$(BIN)/python tools/train_closeup.py $< $(DATA)/coco/annotations/people_train.json \
	    $(DATA)/coco/annotations/coco80_train.json --others everyday --out runs/closeup --minutes 58 --body-lr 0.5

runs/people-sharp.safetensors: runs/people/finished.safetensors runs/closeup/best.safetensors
	$(BIN)/python tools/finish_closeup.py $< $(DATA)/coco/annotations/people_train.json --head $(word 2,$^) --out $@

runs/everyday-sharp.safetensors: runs/everyday/finished.safetensors runs/closeup/best.safetensors
	$(BIN)/python tools/finish_closeup.py $< $(DATA)/coco/annotations/coco80_train.json --head $(word 2,$^) --out $@

train-people: runs/people-sharp.safetensors

# How well masks fit, with and without close-ups, from the model's own boxes and from drawn ones.
bench-masks: .venv/installed
	$(BIN)/python benchmarks/masks.py people $(VAL_people)

# Every tenth of the photos that it learns from, to compare on.
runs/tenth.json: .venv/installed
	mkdir -p runs && ln -sfn $(abspath $(DATA))/coco/images runs/images
	$(BIN)/python tools/every_nth.py $(DATA)/coco/annotations/people_train.json 10 $@

NUCLEI := $(BIN)/maskrcnn train $(DATA)/nuclei/train --class-names nucleus --plan off --crop-size 384 --flip x y --stretch \
    --colour 0.3 --gamma 0.5 --grey 0.2 --invert 0.3 --proposals 128 --smallest-anchor 8 --precision bf16

runs/nuclei-first/best.safetensors: runs/first/best.safetensors
	$(NUCLEI) --model $< --out runs/nuclei-first --image-size 512 --scale 0.5 1.8 --epochs 10

NUCLEI_MORE := $(NUCLEI) --image-size 640 --scale 0.5 1.5 --lr 4e-4

train-nuclei: runs/nuclei-first/best.safetensors
	$(NUCLEI_MORE) --model $< --out runs/nuclei-second --epochs 10
	$(NUCLEI_MORE) --model runs/nuclei-second/best.safetensors --out runs/nuclei --epochs 8

evaluate-people evaluate-everyday evaluate-nuclei: evaluate-%: .venv/installed
	$(BIN)/maskrcnn evaluate $(VAL_$*) --model $* --out runs/evaluate-$*

VAL_people := $(DATA)/coco/annotations/people_val.json
VAL_everyday := $(DATA)/coco/annotations/coco80_val.json
VAL_nuclei := $(DATA)/nuclei/val

# Heart beats: every sixth record is held out.
runs/ecg/train.txt runs/ecg/val.txt &: $(DATA)/ecg_qtdb/RECORDS
	mkdir -p runs/ecg
	sort $< | awk -v from=$(abspath $(DATA))/ecg_qtdb/ 'NF {print from $$1 > (NR % 6 == 3 ? "runs/ecg/val.txt" : "runs/ecg/train.txt")}'

train-ecg: .venv/installed-test runs/ecg/train.txt
	$(BIN)/maskrcnn train runs/ecg/train.txt --model signal_fpn --out runs/ecg --plan off --crop-size 2048 \
	    --scale 0.8 1.25 --flip --gain 0.5 --noise 0.2 --drift 0.4 --invert 0.1 --agnostic-masks --batch 16 --lr 1e-3 \
	    --average 0.995 --precision bf16 --epochs 120

evaluate-ecg: .venv/installed-test runs/ecg/val.txt
	$(BIN)/maskrcnn evaluate runs/ecg/val.txt --model ecg --out runs/evaluate-ecg

# Spoken digits: one speaker is held out.
runs/digits/train: | .venv/installed-test
	$(BIN)/maskrcnn compose $(DATA)/spoken_digits $@ --speakers george jackson lucas nicolas --count 600 --seed 1

runs/digits/val: | .venv/installed-test
	$(BIN)/maskrcnn compose $(DATA)/spoken_digits $@ --speakers yweweler --count 60 --seed 2

train-digits: runs/digits/train
	$(BIN)/maskrcnn train runs/digits/train --model signal_fpn --out runs/digits --plan off --crop-size 512 \
	    --scale 0.75 1.33 --flip --gain 0.5 --hidden-bands 4 --noise 0.3 --agnostic-masks --agnostic-boxes --batch 16 \
	    --lr 1e-3 --average 0.998 --precision bf16 --epochs 24

evaluate-digits: runs/digits/val
	$(BIN)/maskrcnn evaluate runs/digits/val --model spoken-digits --out runs/evaluate-digits

# Parts of the hippocampus in MRI; the val scans are those that the data hold back.
HIPPOCAMPUS := $(BIN)/maskrcnn train $(DATA)/hippocampus/train --class-names anterior posterior --labels classes \
    --plan off --window 44 60 44 --scale 0.8 1.25 --flip x --gain 0.3 --noise 0.2 --drift 0.4 --smallest-anchor 12 \
    --proposals 64 --batch 2 --average 0.998 --precision bf16

runs/hippocampus-first/best.safetensors: .venv/installed-test
	$(HIPPOCAMPUS) --model volume_fpn --out runs/hippocampus-first --lr 1e-3 --epochs 60

runs/hippocampus-objects/best.safetensors: runs/hippocampus-first/best.safetensors
	$(HIPPOCAMPUS) --model $< --out runs/hippocampus-objects --lr 8e-4 --body-lr 1 --freeze none --epochs 14

train-hippocampus: runs/hippocampus-objects/best.safetensors
	$(BIN)/maskrcnn train $(DATA)/hippocampus/train --class-names anterior posterior --labels classes --task semantic \
	    --model $< --out runs/hippocampus --epochs 100 --finer 16 --semantic-width 32 --batch 2 --flip x --gain 0.3 \
	    --drift 0.4 --freeze none --body-lr 1 --lr 1e-3 --average 0.9986
	$(BIN)/python tools/weigh_background.py runs/hippocampus/best.safetensors $(DATA)/hippocampus/train \
	    --out runs/hippocampus/balanced.safetensors

evaluate-hippocampus: .venv/installed-test
	$(BIN)/maskrcnn evaluate $(DATA)/hippocampus/val --model hippocampus --out runs/evaluate-hippocampus

# Planted effects in real scans, and permuted labels: what associate finds of either (docs/associate.md).
.PHONY: associate-check
associate-check: .venv/installed-test
	$(BIN)/python benchmarks/associate.py $(DATA)/hippocampus

# Synthetic nuclei, and whether a model that saw nothing else finds those of a real volume.
runs/synthetic-nuclei: | .venv/installed-test
	$(BIN)/maskrcnn synthetic $@ --count 48 --seed 1 --shape 64 64 32 --spacing 1 1 2 --kinds blobs --diameter 14

runs/real-nuclei:
	mkdir -p $@/images $@/labels
	ln -s $(abspath $(DATA))/volumes/img3d.tif $@/images/nuclei.tif
	ln -s $(abspath $(DATA))/volumes/mask3d.tif $@/labels/nuclei.tif

synthetic: runs/synthetic-nuclei runs/real-nuclei
	$(BIN)/maskrcnn train runs/synthetic-nuclei --class-names nucleus --out runs/synthetic --finest-stride 2 \
	    --mask-size 7 --batch 4 --epochs 40 --val-fraction 0
	$(BIN)/maskrcnn evaluate runs/real-nuclei --model runs/synthetic/best.safetensors --out runs/evaluate-synthetic

# Genes of a chloroplast, learned on one part of the genome and looked for in another; the second copy of its inverted
# repeat lies in neither.
dna: .venv/installed-test
	$(BIN)/maskrcnn train $(DATA)/dna/NC_000932.gb:gene@0-84170 --val $(DATA)/dna/NC_000932.gb:gene@84170-128214 \
	    --out runs/dna

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
	$(BIN)/python benchmarks/evidence.py $(VAL_everyday) --model everyday --skip 20 --photos 40 --most 1

# Ours against torchvision's, in an environment of their own (made at the first run, several GB): writes
# benchmarks/results.md. A run that was stopped goes on where it was. CASES="masks inference": only those, printed.
bench: .venv/installed
	$(BIN)/python benchmarks/versus $(CASES)
	$(if $(CASES),,$(BIN)/python benchmarks/files.py)
	$(if $(CASES),,$(BIN)/python benchmarks/video.py $(wildcard $(DATA)/videos/*.mp4))

# How fast the shipped models are, and a training step against its floor.
bench-models: .venv/installed
	$(BIN)/python benchmarks/models.py
	$(BIN)/python benchmarks/training.py

# This version against another one, a commit or the src folder of a checkout: make bench-trees BEFORE=2b669bc (0.8.0)
bench-trees: .venv/installed
	$(BIN)/python benchmarks/trees.py $(BEFORE)

# The runtime on an emulated 64-bit ARM, held to what this machine finds in a photo. Emulated times say nothing of a
# board. EDGE=MODEL.zip: another exported model.
edge: EDGE ?= runs/edge/everyday.zip
edge: .venv/installed-test
	$(MAKE) $(EDGE)
	tools/edge/arm.sh $(EDGE) src/maskrcnn/examples/photos/cat.jpg $(BIN)/python

runs/edge/%.zip: | .venv/installed-test
	$(BIN)/maskrcnn export $* $@ --image-size 320

# How well objects are followed: on scenes from seeds that no setting was chosen on, and on MOTChallenge's TUD-Campus.
bench-tracking: .venv/installed-test
	$(BIN)/python benchmarks/tracking.py $(wildcard $(DATA)/mot15)

# How quick the studio's page is in a real Chromium, which must be there (apt-get install chromium).
bench-studio: .venv/installed-test
	$(BIN)/python benchmarks/studio.py

# How many actions 20 photos take to label in the studio, by hand and with the model that it trains meanwhile.
bench-labelling: .venv/installed-test
	$(BIN)/python benchmarks/labelling.py $(DATA)/animals --time $(or $(TIME),2m)

# A video's wall time a frame beside the network alone, and memory over 20,000 frames.
bench-video: .venv/installed-test
	$(BIN)/python benchmarks/video.py $(wildcard $(DATA)/videos/*.mp4) --memory 20000

# Memory and time of a scan of 512 x 512 x 300 voxels.
bench-volume: .venv/installed-test
	$(BIN)/python benchmarks/volume.py

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

# Which parts of synthetic songs appeal, learned from labels of whole songs; needs no data.
songs: .venv/installed-test
	for seed in 0 1; do \
	  $(BIN)/maskrcnn compose songs runs/songs/train-$$seed --count 100 --seed $$((2 * seed)) && \
	  $(BIN)/maskrcnn compose songs runs/songs/test-$$seed --count 48 --seed $$((2 * seed + 1)) && \
	  $(BIN)/maskrcnn train runs/songs/train-$$seed/songs --labels runs/songs/train-$$seed/labels.csv \
	    --out runs/songs/model-$$seed --time 9m && \
	  $(BIN)/python benchmarks/songs.py runs/songs/test-$$seed --model runs/songs/model-$$seed/best.safetensors; done

# Labels of whole files: motifs planted in DNA, digits in composed speech, classes of photos; the parts are for scoring.
whole-files: .venv/installed-test
	for seed in 0 1 2; do \
	  $(BIN)/python benchmarks/whole_files.py dna $(DATA)/dna --out runs/whole/dna-$$seed --seed $$seed; \
	  $(BIN)/python benchmarks/whole_files.py dna $(DATA)/dna --out runs/whole/dna-shuffled-$$seed --seed $$seed \
	    --shuffled; \
	  $(BIN)/python benchmarks/whole_files.py speech $(DATA)/spoken_digits --out runs/whole/speech-$$seed --seed $$seed; \
	done
	$(BIN)/python benchmarks/whole_files.py photos $(DATA)/coco --out runs/whole/photos
	for set in dna-0 dna-1 dna-2 dna-shuffled-0 dna-shuffled-1 dna-shuffled-2 speech-0 speech-1 speech-2 photos; do \
	  case $$set in dna*) more="--epochs 4";; speech*) more="--epochs 10 --batch 8 --model spoken-digits";; \
	  *) more="--epochs 5 --image-size 256";; esac; \
	  $(BIN)/maskrcnn train runs/whole/$$set/train --labels runs/whole/$$set/labels.csv \
	    --out runs/whole/$$set/model $$more && \
	  $(BIN)/python benchmarks/whole_files.py judge runs/whole/$$set --model runs/whole/$$set/model/best.safetensors; done
