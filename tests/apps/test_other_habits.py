"""Numbers of classes and devices, windows and models, as people who come from other programs type them."""

import shlex

import pytest
import torch

from maskrcnn.apps.cli import COMMANDS
from maskrcnn.apps.cli.words.habits import SAID_COMMANDS
from maskrcnn.apps.cli.words.slips import refuse_slips
from maskrcnn.apps.cli.words.values import with_values_spelled
from maskrcnn.checks import device_named
from tiny import save_photo, save_tiny_model


@pytest.fixture
def photo(tmp_path):
    return save_photo(tmp_path / "photo.png")


def test_a_class_by_its_number_is_answered_with_its_name(refused, photo, tmp_path):
    model = save_tiny_model(tmp_path / "model.safetensors")
    asked = ("predict", photo, "--model", model, "--out", tmp_path / "out", "--classes")
    assert "named, not numbered; number 0, counted from 0, is disc. The model knows disc, brick." in refused(*asked, 0)
    assert "named, not numbered. The model knows disc, brick." in refused(*asked, 7)


def test_classes_that_are_called_by_numbers_are_named_so(maskrcnn, photo, tmp_path):
    model = save_tiny_model(tmp_path / "model.safetensors", ("0", "1"))
    assert maskrcnn("predict", photo, "--model", model, "--out", tmp_path / "out", "--classes", 0).code == 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--show",), "a window is opened for cameras and streams, all else is files"),
        (("--model", "yolov8n-seg.pt"), "models of ultralytics are not read: name a shipped one (ecg, everyday,"),
        (("--model", "weights/yolo11n-seg.pt"), "in --model everyday."),
        (("--model", "samples.pt"), "There is no file samples.pt; `maskrcnn models` lists"),
    ],
)
def test_a_habit_gets_one_sentence(refused, photo, tmp_path, flags, said):
    assert said in refused("predict", photo, "--out", tmp_path / "out", *flags)


SETTINGS = [
    ("predict source=x.jpg", "predict x.jpg"),
    (
        "predict model=everyday source=x.jpg imgsz=640 conf=0.3",
        "predict x.jpg --model everyday --image-size 640 --score 0.3",
    ),
    ("predict x.jpg imgsz=480,640", "predict x.jpg --image-size 640"),
    ("predict x.jpg save_txt=True", "predict x.jpg --to yolo"),
    ("predict x.jpg save_txt exist_ok", "predict x.jpg --to yolo --overwrite"),
    ("predict x.jpg classes=0", "predict x.jpg --classes 0"),
    ("predict x.jpg classes=[0,2] verbose=False", "predict x.jpg --classes 0 2 -q"),
    ("predict x.jpg project=runs name=exp exist_ok=True", "predict x.jpg --out runs/exp --overwrite"),
    ("predict x.jpg line_width=2 save_crop=False --flip", "predict x.jpg --line-width 2 --flip"),
    ("track source=clip.mp4", "predict clip.mp4"),
    ("track model=yolo11n.pt source=0", "predict 0"),
    ("detect predict model=yolo11n.pt source=x.jpg", "predict x.jpg"),
    ("task=segment mode=predict model=people source='a b.jpg'", "predict 'a b.jpg' --model people"),
    ("segment val model=best.pt data=coco8.yaml", "evaluate coco8.yaml --model best.pt --out judged"),
    ("val data=coco8.yaml", "evaluate coco8.yaml --out judged"),
    (
        "benchmark model=people data=coco8.yaml imgsz=640",
        "evaluate coco8.yaml --model people --out judged --image-size 640",
    ),
    ("train data=coco8.yaml", "train coco8.yaml"),
    ("mode=train data=coco8.yaml model=yolo11n-seg.pt epochs=3 batch=-1", "train coco8.yaml --epochs 3"),
    (
        "train data=c.yaml optimizer=AdamW cos_lr=True half=True",
        "train c.yaml --optimizer adamw --schedule cosine --precision bf16",
    ),
    ("train DATA resume=True", "train DATA --resume"),
    ("train model=people", "train DATA --model people"),
    ("export model=everyday format=onnx", "export everyday everyday.zip"),
    ("export model=runs/a/best.pt half=True imgsz=448", "export runs/a/best.pt best.zip --fp16 --image-size 448"),
    ("export model=yolo11n.pt", "export everyday everyday.zip"),
]


@pytest.mark.parametrize(("typed", "ours"), SETTINGS)
def test_a_line_of_settings_is_answered_with_the_line_to_type(refused, typed, ours):
    assert f"Settings are flags here: type `maskrcnn {ours}`" in refused(*shlex.split(typed))
    refuse_slips(shlex.split(ours), COMMANDS)  # which is none


def test_what_is_left_out_of_a_line_is_said(refused):
    said = refused("predict", "x.jpg", "show=True", "iou=0.5", "dropout=0.1", "half=False")
    assert "`maskrcnn predict x.jpg` (show=True: a window is opened" in said and "iou=0.5: boxes of one class" in said
    assert "dropout=0.1: there is no such setting)." in said and "half" not in said


def test_a_file_that_is_named_like_a_setting_is_a_file(maskrcnn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = save_tiny_model(tmp_path / "model.safetensors")
    for name in ("imgsz=640.png", "half"):
        save_photo(tmp_path / "a.png").rename(name)
    assert maskrcnn("predict", "imgsz=640.png", "half", "--model", model).code == 0
    assert (tmp_path / "out" / "imgsz=640.png").is_file()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("track clip.mp4", "follow the objects of clip.mp4, type `maskrcnn predict clip.mp4`."),
        ("track 0", "type `maskrcnn predict 0`."),
        ("track det.txt", "track needs OUT, as in `maskrcnn track det.txt --out tracks.txt`."),
        ("track --out tracks.txt", "track needs DETECTIONS, as in"),
        ("evaluate", "evaluate needs DATA, as in `maskrcnn evaluate DATA"),
        ("export everyday", "export needs OUT, as in `maskrcnn export people people.zip"),
        ("convert DATA --to coco", "convert needs OUT, as in `maskrcnn convert DATA OUT --to coco`."),
        ("predict x.jpg --half", "the network computes in single precision: leave it out"),
        ("predict x.jpg --stream", "files and frames are always read one after another: leave it out."),
        ("predict x.jpg --iou 0.5", "boxes of one class that overlap too much are suppressed"),
        ("predict x.jpg --save-txt", "did you mean --to yolo?"),
        ("predict x.jpg --visualize", "did you mean --explain?"),
        ("export everyday --format onnx", "there is one form, a zip of graphs: leave it out."),
        ("export everyday --half", "did you mean --fp16?"),
        ("train DATA --cos-lr", "did you mean --schedule cosine?"),
        ("train DATA --resume runs/last.pt", "type `maskrcnn train DATA --out FOLDER --resume`."),
        ("tune", "maskrcnn train DATA plans its settings"),
        ("version", "type maskrcnn --version."),
    ],
)
def test_a_habit_of_a_command_gets_one_sentence(refused, line, said):
    assert said in refused(*line.split())


def test_a_negative_value_is_no_missing_file(refused):
    assert "--bootstrap must be at least 0, not -1." in refused(
        "evaluate", "gone", "--out", "judged", "--bootstrap", "-1"
    )


def test_no_command_that_is_there_is_said_not_to_be():
    assert not set(SAID_COMMANDS) & set(COMMANDS)


@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="it has one")
@pytest.mark.parametrize("given", [("--device", "0"), ("--device=1",), ("--device", "0,1"), ("--device", "gpu")])
def test_a_device_by_its_number_is_taken_and_a_missing_one_is_said(maskrcnn, photo, tmp_path, given):
    model = save_tiny_model(tmp_path / "model.safetensors")
    done = maskrcnn("predict", photo, "--model", model, "--out", tmp_path / "out", *given)
    if given[-1] == "gpu":
        assert done.code == 2 and "--device cuda cannot be used on this machine" in done.err
        return
    number = given[-1].removeprefix("--device=").partition(",")[0]
    said = f"note: there is no graphics card cuda:{number} on this machine, so it runs on cpu."
    assert done.code == 0 and said in done.err and ("torchrun" in done.err) == ("," in given[-1])


@pytest.mark.parametrize(("given", "named"), [("0", "cuda:0"), (1, "cuda:1"), ("[0, 1]", "cuda:0"), ("cuda", "cuda")])
def test_devices_have_torchs_names(given, named):
    assert device_named(given) == named


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("train DATA --freeze 10", "--freeze takes early, none or all, not 10; layers are not counted here"),
        ("train DATA --precision=fp16", "--precision takes fp32 or bf16, not fp16; bf16 has the range"),
        ("train DATA --optimizer Lion", "--optimizer takes adamw or sgd, not Lion."),
        ("train DATA --epochs ten", "--epochs takes a whole number, not ten."),
        ("predict x.jpg --score high", "--score takes a number, not high."),
        ("synthetic people OUT --count many", "--count takes a whole number, not many."),
    ],
)
def test_a_value_that_a_flag_does_not_take_is_answered_in_a_sentence(refused, typed, said):
    assert said in refused(*shlex.split(typed))


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("train DATA --optimizer AdamW --lr 1e-3", "train DATA --optimizer adamw --lr 1e-3"),
        ("train DATA --optimizer=SGD", "train DATA --optimizer=sgd"),
        ("convert DATA OUT --to COCO", "convert DATA OUT --to coco"),
        ("synthetic OUT --kinds Blobs TUBES --seed 3", "synthetic OUT --kinds blobs tubes --seed 3"),
        ("predict A.JPG --classes Person --colour Class", "predict A.JPG --classes Person --colour class"),
        ("doctor DATA --task Semantic --out OUT", "doctor DATA --task semantic --out OUT"),
        ("train DATA --epochs", "train DATA --epochs"),
        ("predict x.jpg --score -1", "predict x.jpg --score -1"),
    ],
)
def test_words_of_a_list_are_taken_in_any_case(typed, spelled):
    command, *others = typed.split()
    assert [command, *with_values_spelled(others, COMMANDS[command])] == spelled.split()
