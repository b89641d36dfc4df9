"""Flags of the larger commands in groups, the everyday ones first, and two examples of each command."""

from __future__ import annotations

EVERYDAY = "everyday"
Groups = tuple[tuple[str, str], ...]  # title, names of flags without dashes

GROUPS: dict[str, Groups] = {
    "predict": (
        (EVERYDAY, "model out score classes image-size"),
        ("a second run", "skip-done overwrite"),
        ("what is written", "label-maps cutouts surface texture explain explain-most to json"),
        ("videos", "from until every detect-every fps video"),
        (
            "what is made of videos",
            "count zone anchor motion smooth fill blur green alpha heat-map timeline",
        ),
        ("pictures", "colour no-boxes no-labels line-width scale page-seconds"),
        ("how the model looks", "tile overlap flip sharp raw-masks max-detections"),
        ("the machine", "device batch max-pixels"),
    ),
    "train": (
        (EVERYDAY, "out val time model epochs image-size batch class-names resume plan-only device"),
        ("the plan and the data", "plan val-fraction labels mask-data log seed workers max-pixels"),
        ("how it learns", "lr optimizer schedule accumulate precision body-lr body-weights freeze average patience"),
        ("what is measured", "validate-every"),
        (
            "how samples are varied",
            "crop-size scale flip colour gamma grey stretch invert gain hidden-bands noise drift copy-paste "
            "repeat-rare",
        ),
        (
            "the model",
            "spacing window box-loss proposals smallest-anchor anchor-ratio finest-stride mask-size sharp "
            "max-detections agnostic-boxes agnostic-masks",
        ),
    ),
    "evaluate": (
        (EVERYDAY, "model out"),
        ("how the model looks", "image-size tile overlap flip sharp raw-masks max-detections score"),
        ("what is measured", "report bootstrap tracks"),
        ("the machine", "device batch max-pixels"),
    ),
    "associate": (
        (EVERYDAY, "labels by adjust out mask"),
        ("what is compared", "smooth standardise align regions model group classes"),
        ("how it is tested", "correct tfce p permutations seed cluster-p"),
        ("the machine", "device"),
    ),
}
EXAMPLES: dict[str, tuple[str, str]] = {
    "predict": ("maskrcnn predict photo.jpg", "maskrcnn predict 'photos/*.jpg' --model people --out found --skip-done"),
    "evaluate": (
        "maskrcnn evaluate DATA --model runs/mine/best.safetensors --out judged",
        "maskrcnn evaluate annotations.json --model everyday --out judged",
    ),
    "track": ("maskrcnn track det.txt --out tracks.txt", "maskrcnn track results.json --out tracks.json --memory 60"),
    "associate": (
        "maskrcnn associate scans/ --labels behaviour.csv --by score --adjust age,sex --out out",
        "maskrcnn associate scans/ --labels behaviour.csv --by diagnosis --model hippocampus",
    ),
    "fuse": (
        "maskrcnn fuse songs/ --model runs/songs/best.safetensors --length 3m --out mix.wav",
        "maskrcnn fuse a.wav b.mp3 c.flac --model runs/songs/best.safetensors --length 90s",
    ),
    "doctor": ("maskrcnn doctor DATA", "maskrcnn doctor DATA --val VAL --json findings.json"),
    "train": ("maskrcnn train DATA --time 25m", "maskrcnn train DATA --val VAL --model everyday --out runs/mine"),
    "studio": ("maskrcnn studio photos/", "maskrcnn studio annotations.json --model runs/mine/best.safetensors"),
    "convert": ("maskrcnn convert DATA OUT --to coco", "maskrcnn convert annotations.json OUT --to yolo"),
    "compose": ("maskrcnn compose CLIPS OUT", "maskrcnn compose SEQUENCES OUT --count 12 --seed 1"),
    "compose-songs": ("maskrcnn compose songs OUT", "maskrcnn compose songs OUT --count 40 --seed 1"),
    "synthetic": ("maskrcnn synthetic OUT", "maskrcnn synthetic OUT --count 48 --kinds blobs"),
    "synthetic-people": (
        "maskrcnn synthetic people OUT --count 500 --photos photos/",
        "maskrcnn synthetic people OUT --size 384 --seed 1",
    ),
    "demo": ("maskrcnn demo", "maskrcnn demo --out pictures"),
    "models": ("maskrcnn models", "maskrcnn models everyday"),
    "import": ("maskrcnn import model_final.pth", "maskrcnn import mine.pth --classes cat dog --out mine.safetensors"),
    "export": (
        "maskrcnn export people people.zip --image-size 448",
        "maskrcnn export mine.safetensors mine.zip --fp16",
    ),
}
SHORT = {"train"}  # whose --help shows the everyday flags alone, and --help-all the rest
EXIT_CODES = "Exit codes: 0 all done, 1 done but for some inputs, 2 could not be done, 130 interrupted."
EVERYWHERE = (
    ("-q, --quiet", "Say only what went wrong."),
    ("-h, --help", "Show this."),
    ("--version", "Show the version; after no command."),
)
COMPLETION = (
    "Completion of commands and flags: maskrcnn --tyro-write-completion bash ~/.local/share/bash-completion/"
    "completions/maskrcnn, or zsh with a file _maskrcnn in a folder of $fpath."
)
