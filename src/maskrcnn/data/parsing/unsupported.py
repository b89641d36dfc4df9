"""Files of the fields' own kinds that are not read: what they are, and how to export what is."""

from __future__ import annotations

from pathlib import Path

SOUND = "save it as WAV or FLAC, such as with ffmpeg"
EEG = "export it as EDF, such as with MNE-Python or EDFbrowser"
TABLE = "save it as csv or npz"
MICROSCOPE = "export it as OME-TIFF, such as with Bio-Formats' bfconvert"
SCAN = "convert it to NIfTI"
BASES = "convert it to FASTA or GenBank"
UNREAD: dict[str, tuple[str, str]] = {
    **dict.fromkeys((".m4a", ".aac", ".wma", ".opus", ".amr", ".mp4", ".webm", ".caf", ".au"), ("sound", SOUND)),
    ".vhdr": ("a BrainVision header", EEG), ".vmrk": ("BrainVision markers", EEG), ".eeg": ("EEG", EEG),
    ".fif": ("a FIF file of MNE", EEG), ".set": ("an EEGLAB set", EEG), ".fdt": ("EEGLAB data", EEG),
    ".cnt": ("a Neuroscan file", EEG), ".gdf": ("GDF", EEG), ".bdf+": ("BDF+", EEG), ".trc": ("Micromed EEG", EEG),
    ".scp": ("SCP-ECG", "convert it to WFDB or EDF"), ".mat": ("a MATLAB file", "save it as npz, or as a WFDB record"),
    ".h5": ("HDF5", "save its arrays as npz"), ".hdf5": ("HDF5", "save its arrays as npz"),
    ".nwb": ("Neurodata Without Borders", "save its arrays as npz"), ".abf": ("an Axon file", TABLE),
    ".parquet": ("Parquet", TABLE), ".feather": ("Feather", TABLE), ".xlsx": ("an Excel workbook", TABLE),
    ".xls": ("an Excel workbook", TABLE), ".ods": ("a spreadsheet", TABLE), ".tdms": ("a LabVIEW file", TABLE),
    ".rds": ("an R object", TABLE), ".pkl": ("a pickle", TABLE), ".pickle": ("a pickle", TABLE),
    ".textgrid": ("a Praat TextGrid", "export its tier as an Audacity label track or a table"),
    ".eaf": ("an ELAN file", "export its tier as a table"),
    ".faa": ("amino acids", "name the sequence of their gene"), ".fastq": ("reads", BASES), ".fq": ("reads", BASES),
    ".embl": ("EMBL", BASES), ".2bit": ("2bit", BASES), ".bam": ("aligned reads", BASES), ".sam": ("reads", BASES),
    ".mnc": ("MINC", f"{SCAN}, such as with mnc2nii"), ".par": ("Philips PAR/REC", f"{SCAN}, such as with dcm2niix"),
    ".gipl": ("GIPL", SCAN), ".vtk": ("VTK", SCAN), ".vti": ("VTK", SCAN), ".am": ("an Amira mesh", SCAN),
    ".gii": ("a surface (GIfTI)", "name the volume that it was made from"), ".stl": ("a surface", "name its volume"),
    ".mrc": ("MRC", "convert it to a TIFF stack, such as with mrc2tif"), ".rec": ("MRC or PAR/REC", SCAN),
    ".img": ("the voxels of a pair", "put its .hdr beside it"), ".raw": ("numbers without a header", "add one (.mhd)"),
    **dict.fromkeys(
        (".czi", ".lif", ".nd2", ".oib", ".oif", ".lsm", ".vsi", ".ims", ".stk", ".dv", ".zvi", ".lei"),
        ("a microscope's own file", MICROSCOPE),
    ),
    **dict.fromkeys((".svs", ".ndpi", ".mrxs", ".scn", ".bif"), ("a scanned slide", "export a region of it as TIFF")),
    ".zarr": ("Zarr", "save it as a TIFF stack or npz"), ".n5": ("N5", "save it as a TIFF stack or npz"),
}  # fmt: skip


def how_to_export(path: Path) -> str:
    """What goes on after the file's name: what kind of file it is and what to do; empty for other files."""
    what, how = UNREAD.get(path.suffix.lower(), ("", ""))
    return f"is {what}, which is not read; {how}." if what else ""
