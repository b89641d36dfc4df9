"""Small valid files of every kind that is read, each in a folder of its own."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import doctor_formats
from dicom_series import write_multiframe, write_series
from doctor_sets import write_set
from tiny import noise, save_tiny_model
from tiny_signals import save_tiny_signal_model, write_sounds
from tiny_signals import write_series as write_tables

VOXELS = np.random.default_rng(0).integers(0, 9, (5, 6, 7)).astype(np.int16)
AFFINE = np.diag([1.0, 1.5, 2.0, 1.0])


def pictures(folder: Path) -> None:
    photo = Image.fromarray(noise(12, 16))
    photo.save(folder / "a.png")
    photo.convert("P").save(folder / "b.png", transparency=0)
    photo.convert("1").save(folder / "c.png")
    Image.fromarray(noise(12, 16, channels=1)[..., 0].astype(np.uint16) * 99).save(folder / "d.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(folder / "e.jpg", exif=exif)
    for name in ("f.tif", "g.gif", "h.bmp", "i.webp", "j.ppm"):
        photo.save(folder / name)
    photo.save(folder / "k.tif", compression="tiff_lzw")


def label_sets(folder: Path) -> None:
    write_set(folder / "coco", 3)
    for write in (
        doctor_formats.yolo_outlines,
        doctor_formats.yolo_boxes,
        doctor_formats.labelme,
        doctor_formats.voc_boxes,
        doctor_formats.voc_masks,
        doctor_formats.via_json,
        doctor_formats.class_maps,
        doctor_formats.label_maps_of_classes,
        doctor_formats.object_masks,
    ):
        write(folder / write.__name__)


def nifti(folder: Path) -> None:
    import nibabel

    for name in ("a.nii", "b.nii.gz", "c.mgz", "d.hdr"):
        image = nibabel.Nifti1Image(VOXELS if name != "c.mgz" else VOXELS.astype(np.float32), AFFINE)
        nibabel.save(image, folder / name)


def tiff_stacks(folder: Path) -> None:
    import tifffile

    tifffile.imwrite(folder / "a.tif", VOXELS, photometric="minisblack")
    tifffile.imwrite(folder / "b.tif", VOXELS, imagej=True, metadata={"spacing": 2.0, "unit": "um", "axes": "ZYX"})
    tifffile.imwrite(folder / "c.tif", VOXELS, compression="zlib", photometric="minisblack")
    tifffile.imwrite(folder / "d.ome.tif", VOXELS, metadata={"axes": "ZYX", "PhysicalSizeZ": 2.0})


def volume_arrays(folder: Path) -> None:
    np.save(folder / "a.npy", VOXELS)
    np.savez_compressed(folder / "b.npz", volume=VOXELS, affine=AFFINE)
    np.savez(folder / "c.npz", volume=VOXELS, spacing=np.ones(3), labels=VOXELS)


def dicom(folder: Path) -> None:
    write_series(folder / "series", VOXELS, AFFINE, RescaleSlope=2)
    (folder / "frames").mkdir()
    write_multiframe(folder / "frames" / "a.dcm", VOXELS, AFFINE)


def sounds(folder: Path) -> None:
    import soundfile

    write_sounds(folder / "sounds", 2, 0.2)
    wave = np.sin(np.arange(600) / 9)
    for name in ("a.flac", "b.ogg", "c.aiff"):
        soundfile.write(folder / "sounds" / name, wave, 8000)


def tables(folder: Path) -> None:
    write_tables(folder / "csv", 2, 60)
    write_tables(folder / "npz", 2, 60, suffix=".npz")
    (folder / "npy").mkdir()
    np.save(folder / "npy" / "a.npy", np.random.default_rng(0).normal(size=(2, 60)))


def records(folder: Path) -> None:
    import wfdb

    wave = np.stack([np.sin(np.arange(500) / k) for k in (9, 13)], axis=1)
    for name, fmt in (("a", "16"), ("b", "212")):
        wfdb.wrsamp(
            name, fs=250, units=["mV"] * 2, sig_name=["I", "II"], p_signal=wave, fmt=[fmt] * 2, write_dir=str(folder)
        )
        points = np.array([10, 20, 30, 100, 110, 120])
        symbols = ["(", "N", ")", "(", "t", ")"]
        wfdb.wrann(name, "man", points, symbols, write_dir=str(folder))


def bases(folder: Path) -> None:
    (folder / "fasta").mkdir()
    (folder / "fasta" / "a.fa").write_text(">a\n" + "ACGTN" * 30 + "\n")
    (folder / "fasta" / "a.gff3").write_text("##gff-version 3\na\tx\tgene\t3\t30\t.\t+\t.\tID=g1\n")
    features = '     gene            join(3..20,30..40)\n                     /gene="g"\n'
    origin = "        1 " + " ".join(["acgtnacgta"] * 6) + "\n       61 " + " ".join(["acgtnacgta"] * 6) + "\n"
    head = "LOCUS       A                        120 bp    DNA     linear   PLN 01-JAN-2020\nDEFINITION  x.\n"
    (folder / "genbank").mkdir()
    text = f"{head}FEATURES             Location/Qualifiers\n{features}ORIGIN\n{origin}//\n"
    (folder / "genbank" / "a.gb").write_text(text)


def ours(folder: Path) -> None:
    save_tiny_signal_model(folder / "signals.safetensors")
    save_tiny_model(folder / "images.safetensors")


def foreign(folder: Path) -> None:
    """The tensors that tell what a model of torchvision's or detectron2's is, of a few numbers each: the rest of such a
    file is missing, and how that is said is what a user would see."""
    torchvision, detectron2 = _tensors(TORCHVISION), _tensors(DETECTRON2)
    torch.save(torchvision, folder / "a.pth")
    torch.save({"model": detectron2, "iteration": 5}, folder / "b.pth")
    torch.save({"state_dict": torchvision}, folder / "c.pt", _use_new_zipfile_serialization=False)
    arrays = {name: value.numpy() for name, value in detectron2.items()}
    (folder / "d.pkl").write_bytes(pickle.dumps({"model": arrays, "__author__": "x"}, protocol=2))


TORCHVISION = {
    "roi_heads.box_predictor.cls_score.weight": (3, 4),
    "roi_heads.box_predictor.cls_score.bias": (3,),
    "roi_heads.box_predictor.bbox_pred.weight": (8, 4),
    "roi_heads.mask_predictor.mask_fcn_logits.weight": (2, 4, 1, 1),
    "roi_heads.keypoint_predictor.kps_score_lowres.weight": (4, 2, 4, 4),
    "backbone.body.layer3.0.conv1.weight": (4, 4, 1, 1),
    "rpn.head.cls_logits.weight": (3, 4, 1, 1),
}
DETECTRON2 = {
    "roi_heads.box_predictor.cls_score.weight": (3, 4),
    "roi_heads.box_predictor.bbox_pred.weight": (8, 4),
    "roi_heads.mask_head.predictor.weight": (2, 4, 1, 1),
    "roi_heads.keypoint_head.score_lowres.weight": (4, 2, 4, 4),
    **{f"backbone.bottom_up.res4.{k}.conv1.weight": (2, 2, 1, 1) for k in range(6)},
    "backbone.fpn_output2.weight": (4, 4, 3, 3),
    "pixel_mean": (3, 1, 1),
    "pixel_std": (3, 1, 1),
    **{f"proposal_generator.anchor_generator.cell_anchors.{k}": (3, 4) for k in range(5)},
}


def _tensors(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


SEEDS: dict[str, Callable[[Path], None]] = {
    seed.__name__: seed
    for seed in (
        pictures, label_sets, nifti, tiff_stacks, volume_arrays, dicom, sounds, tables, records, bases, ours, foreign,
    )
}  # fmt: skip


def write_seeds(name: str, folder: Path) -> Path:
    """The seeds of one kind in ``folder``, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    SEEDS[name](folder)
    return folder
