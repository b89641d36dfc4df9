"""What ``maskrcnn studio`` is asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.checkpoints.lookup import check_model_name
from maskrcnn.checks import at_least, needed_package, usable_device
from maskrcnn.data.parsing.paths import refuse_missing
from maskrcnn.errors import UsageError
from maskrcnn.files import exists, is_folder
from maskrcnn.pretrained import DEFAULT_MODEL

JOURNAL = ".maskrcnn"  # folder of the journal, inside the folder that is opened
LARGEST_PORT = 65535
LABELS = "labels.json"


@dataclass(frozen=True)
class StudioOptions:
    """The images, where the page is served, and the model that helps."""

    data: Path
    """Folder of images, or labelled images of any format that is read."""
    port: int = 0
    """Port of the page; 0: one that is free."""
    host: str = "127.0.0.1"
    """Address that the page is served at; any other than this machine's own lets others in who know the token."""
    model: str = DEFAULT_MODEL
    """Model that draws masks and proposes objects: a shipped one or a file; none: label without one."""
    no_browser: bool = False
    """Print the page's address and open no browser."""
    journal: Path | None = None
    """Folder for the journal of all strokes, where it should not lie with the images."""
    device: str = "cpu"
    """cpu, cuda or mps."""
    max_pixels: int | None = None
    """Open no file of more pixels than this."""

    def check(self) -> None:
        """Raise UsageError or DataError for options that cannot be followed and files that are not there."""
        if not 0 <= self.port <= LARGEST_PORT:
            raise UsageError(f"--port must lie between 0 and {LARGEST_PORT}, not {self.port}.")
        at_least("max-pixels", self.max_pixels, 1)
        refuse_missing(self.data)
        if self.model != "none":
            check_model_name(self.model, ())
        if not os.access(self.journal_folder(), os.W_OK) and exists(self.journal_folder()):
            raise UsageError(_read_only(self.journal_folder()))
        above = self.journal_folder().absolute().parent
        if not exists(self.journal_folder()) and is_folder(above) and not os.access(above, os.W_OK):
            raise UsageError(_read_only(above))
        for module in ("fastapi", "uvicorn"):
            needed_package(module, "label in the browser", "studio")
        usable_device(self.device)

    def folder(self) -> Path:
        """The folder that is opened: nothing outside it is served but the pictures that its labels name."""
        own = Path(str(self.data).rpartition(":")[0]) if not exists(self.data) else self.data
        return own if is_folder(own) else own.parent

    def journal_folder(self) -> Path:
        """Where the journal lies."""
        return self.journal if self.journal is not None else self.folder() / JOURNAL


def _read_only(folder: Path) -> str:
    return f"Nothing may be written into {folder}: name a folder for the journal with --journal FOLDER."
