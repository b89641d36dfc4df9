"""What ``maskrcnn associate`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskrcnn.checkpoints.lookup import check_model_name
from maskrcnn.checks import at_least, between, needed_package, no_file, usable_device
from maskrcnn.errors import UsageError
from maskrcnn.files import exists, is_file, why_missing


@dataclass(frozen=True)
class AssociateOptions:
    """The files, their labels, and how it is tested which parts go with them."""

    inputs: tuple[Path, ...] = ()
    """Scans that lie alike, voxel on voxel: files, or folders of them."""
    labels: Path | None = None
    """A table (.csv, .tsv): a row for each file, with its name in the column `file`, and a column for each thing that
    is known of it."""
    by: str = ""
    """The column that is asked about: numbers, or classes. By default the only one that --adjust does not name."""
    adjust: tuple[str, ...] = ()
    """Columns that are taken out first (confounders), as in age,sex."""
    out: Path = Path("association")
    """Folder for the maps, regions.csv and report.html."""
    group: str = ""
    """Of several classes the one that is held against all others; else one F test asks whether any of them differ."""
    classes: bool = False
    """Numbers in --by are names of classes."""
    correct: Literal["clusters", "tfce", "voxels", "fdr"] = "clusters"
    """What p is corrected by, over the whole volume: the largest cluster by chance, the largest enhanced or plain
    voxel, or the rate of false discoveries."""
    tfce: bool = False
    """The same as --correct tfce: threshold-free cluster enhancement."""
    p: float = 0.05
    """Regions have a corrected p of at most this."""
    permutations: int = 1000
    """How often labels are permuted."""
    seed: int = 0
    """Of the permutations; the same seed gives the same p."""
    cluster_p: float = 0.001
    """With --correct clusters: voxels of a cluster have an uncorrected p of at most this."""
    mask: Path | None = None
    """A label volume: what is not 0 is looked at."""
    smooth: float = 0.0
    """Width (FWHM) of a Gaussian that scans are smoothed with, in mm."""
    standardise: bool = False
    """Give each file mean 0 and deviation 1: for scans whose grey values have another scale from scanner to scanner."""
    align: Path | None = None
    """A folder of label volumes of the same names: each scan is moved, by whole voxels, so that the middle of what is
    labelled lies in one place, and cut to what all share."""
    regions: Path | None = None
    """Ask about regions instead of voxels: a label volume that all scans share, or a folder with one for each scan,
    whose regions are measured in size and shape too and need not lie alike."""
    model: str | None = None
    """Ask about the objects that this model finds: their number, size, intensity and shape; nothing need lie alike."""
    device: str = "cpu"
    """cpu, cuda or mps: where the model runs."""

    @property
    def correction(self) -> Literal["clusters", "tfce", "voxels", "fdr"]:
        """What p is corrected by."""
        return "tfce" if self.tfce else self.correct

    @property
    def confounders(self) -> tuple[str, ...]:
        """The columns of --adjust, by themselves or separated by commas."""
        return tuple(name.strip() for words in self.adjust for name in words.split(",") if name.strip())

    @property
    def table(self) -> Path:
        """The table of labels, which :meth:`check` asks for."""
        return self.labels or Path()

    @property
    def of_measures(self) -> bool:
        """Whether regions or objects are measured, rather than each sample."""
        return self.regions is not None or self.model is not None

    def check(self) -> None:
        """Raise UsageError or DataError for options that cannot be followed and files that are not there."""
        if not self.inputs or self.labels is None:
            what = "--labels names the table with a row for each file" if self.inputs else "Name the scans first"
            raise UsageError(f"{what}, as in maskrcnn associate scans/ --labels behaviour.csv --by score.")
        for path in self.inputs:
            if not exists(path):
                raise UsageError(why_missing(path))
        if not is_file(self.labels):
            raise UsageError(f"--labels: {why_missing(self.labels)}")
        if not 0 < self.p < 1:
            raise UsageError(f"--p must lie between 0 and 1, not {self.p}.")
        between("cluster-p", self.cluster_p, 1e-9, 0.5)
        at_least("permutations", self.permutations, 20)
        at_least("seed", self.seed, 0)
        at_least("smooth", self.smooth, 0)
        if self.correction != "fdr" and 1 / (1 + self.permutations) > self.p:
            raise UsageError(f"{self.permutations} permutations give no p below {1 / (1 + self.permutations):.2g}.")
        for flag, given in (("mask", self.mask), ("align", self.align), ("regions", self.regions)):
            if given is not None and not exists(given):
                raise UsageError(f"--{flag}: {why_missing(given)}")
        if self.by and self.by in self.confounders:
            raise UsageError(f"{self.by} is named by --by and by --adjust: nothing of it would be left.")
        if len(set(self.confounders)) < len(self.confounders):
            raise UsageError("--adjust names a column twice.")
        if self.model is not None:
            check_model_name(self.model)
            if self.regions is not None:
                raise UsageError("--model and --regions both say what is measured: name one of them.")
        if self.of_measures and (self.mask is not None or self.smooth or self.align is not None):
            raise UsageError(
                "--mask, --smooth and --align are for voxels; regions and objects are measured as they are."
            )
        no_file(self.out)
        usable_device(self.device)
        needed_package("scipy.stats", "test what goes with a label", "volumes")
