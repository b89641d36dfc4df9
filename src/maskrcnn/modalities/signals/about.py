"""What recordings are, without loading what reads them."""

from __future__ import annotations

from maskrcnn.modalities.signals.recording_format import recording_formats
from maskrcnn.modalities.wing import PICTURES_ONLY, Kind, Wing

FRAME = 0.01  # seconds from one frame of log-mel bands to the next
COMPLEMENT = (3, 2, 1, 0)  # of A C G T


def list_recordings() -> str:
    """The formats of recordings."""
    return ", ".join(known.short for known in recording_formats())


def list_labelled() -> str:
    """The same with what makes them labelled ones."""
    return f"recordings with labels of the same name ({list_recordings()})"


WING = Wing(
    noun="recording",
    placeholder="RECORDINGS",
    order=10,
    formats=list_recordings,
    looked_for=list_labelled,
    refused_options=(*PICTURES_ONLY, "label_maps", "explain", "flip", "image_size"),
    kinds=(
        Kind(
            name="wfdb",
            words="a WFDB record or EDF",
            ndim=1,
            variant="signal_fpn",
            preprocess={"standardise": True, "each_channel": True},
            own_channels=False,
        ),
        Kind(
            name="series",
            words="a series of numbers",
            ndim=1,
            variant="signal_fpn",
            preprocess={"standardise": True},
        ),
        Kind(
            name="audio",
            words="a sound",
            ndim=1,
            variant="signal_fpn",
            preprocess={"standardise": True, "log_mel": True},
            own_channels=False,
            settled={
                "spacing": ((FRAME,), "seconds: a frame of log-mel bands each hundredth of a second"),
                "gain": (0.0, "each sound is brought to one loudness"),
                "hidden_bands": (8, "of 40: what is heard must not hang on a few of them"),
                "drift": (0.0, "nothing drifts here"),
            },
        ),
        Kind(
            name="dna",
            words="a sequence",
            ndim=1,
            variant="signal_fpn",
            preprocess={"standardise": False, "mirror_channels": COMPLEMENT},
            unit="bases",
            whole_files=False,  # two stretches of one sequence are two things
            settled={
                "scale": ((1.0, 1.0), "a base is a base"),
                "flip": (("x",), "the other strand is read the other way round, with the other bases"),
                "gain": (0.0, "bases have no loudness"),
                "noise": (0.0, "bases have no noise"),
                "drift": (0.0, "nothing drifts here"),
            },
        ),
    ),
)
