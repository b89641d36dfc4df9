import nibabel as nib
import numpy as np
import torch

from maskrcnn.data.volume import *
from maskrcnn.data.volume import LabelVolume


def is_volume(p):
    return str(p).endswith(".nii.gz")


def series_in(p):
    return []


def read_volume(p):
    n = nib.load(p)
    a = np.asarray(n.dataobj, dtype=np.float32).transpose(2, 1, 0)
    return Volume(
        torch.from_numpy(np.ascontiguousarray(a))[None],
        tuple(map(float, n.header.get_zooms()[:3])),
        n.affine,
        FileSpace("nifti", a.shape, Turn.none(3), n.affine),
    )


def read_label_volume(p):
    n = nib.load(p)
    a = np.ascontiguousarray(np.asarray(n.dataobj).transpose(2, 1, 0))
    return LabelVolume(a, n.affine, tuple(map(float, n.header.get_zooms()[:3])))
