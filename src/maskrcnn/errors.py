"""What may go wrong for a user, each said in one sentence that names the file and what to do about it.

The command line prints the sentence and exits; a program may catch :class:`MaskRCNNError`. A traceback means a bug.
"""


class MaskRCNNError(Exception):
    """Anything that the user, not the programmer, can put right."""


class DataError(MaskRCNNError):
    """An image, a label file or a data set that cannot be used as it is."""


class CheckpointError(MaskRCNNError):
    """A model file that is missing, damaged, of another kind or of another shape."""


class UsageError(MaskRCNNError):
    """Flags or arguments that do not make sense together."""


def reason(error: Exception) -> str:
    """The first line of what an error says, to stand in a sentence."""
    return (str(error) or type(error).__name__).strip().partition("\n")[0].rstrip(".:")
