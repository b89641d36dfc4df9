"""What scans are, without loading what reads them."""

from __future__ import annotations

from maskrcnn.modalities.volumes.scan_format import scan_formats
from maskrcnn.modalities.wing import PICTURES_ONLY, Kind, WindowRange, Wing


def list_scans() -> str:
    """The formats of scans."""
    return ", ".join(known.short for known in scan_formats())


def list_labelled() -> str:
    """The same with the folders of labelled ones."""
    return f"scans (images/ and labels/, or imagesTr/ and labelsTr/, with {list_scans()})"


WING = Wing(
    noun="scan",
    placeholder="SCANS",
    order=20,
    formats=list_scans,
    looked_for=list_labelled,
    writes=("label volumes", "pictures", "predictions.json", "summary.csv"),
    refused_options=(*PICTURES_ONLY, "explain", "image_size", "page_seconds"),
    sidecars=frozenset({".json", ".bval", ".bvec", ".img", ".hdr", ".raw", ".zraw", ".gz", ".bz2"}),
    kinds=(
        Kind(
            name="volume",
            words="a scan",
            ndim=3,
            variant="volume_fpn",
            preprocess={"standardise": True},
            unit="mm",
            window=WindowRange(fewest_cells=8, smallest=48, largest=96, shown=1.5, whole=8, proposals=64),
            window_by_axis=True,
            batch=8,
            memory_by_voxel=True,
            flips_if_crowded=("x", "y", "z"),
        ),
    ),
)
