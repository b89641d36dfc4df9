"""A window that shows the frames of a camera or stream while they are followed."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

PART_OF_SCREEN = 0.9  # that a window takes at most


class NoWindow(Exception):
    """There is nothing that a window could be opened on; the sentence says what is missing."""


class LiveWindow:
    """One window, which belongs to the thread that opened it.

    It answers its user whenever a frame is shown, so about as often as the model looks.

    Args:
        title: what is shown.

    Raises:
        NoWindow: there is no display, or Python came without tkinter.
    """

    def __init__(self, title: str) -> None:
        try:
            import tkinter

            from PIL import ImageTk
        except ImportError as error:
            raise NoWindow(f"Python's tkinter is not installed ({error})") from None
        self.photos = ImageTk.PhotoImage
        try:
            self.root: Any = tkinter.Tk(className="maskrcnn")
        except tkinter.TclError as error:
            raise NoWindow(f"there is no display ({error})") from None
        self.root.title(f"{title}: close the window or press Esc to end")
        self.root.protocol("WM_DELETE_WINDOW", self._end)
        self.root.bind("<Escape>", self._end)
        self.label: Any = tkinter.Label(self.root, borderwidth=0)
        self.label.pack()
        self.most = [PART_OF_SCREEN * side for side in (self.root.winfo_screenwidth(), self.root.winfo_screenheight())]
        self.photo: Any = None
        self.ended = False

    def _end(self, event: object = None) -> None:
        self.ended = True

    def show(self, picture: Image.Image) -> bool:
        """Show the next frame, smaller where the screen is: whether its user wants to see more."""
        part = min(1.0, *(most / side for most, side in zip(self.most, picture.size)))
        size = (max(int(part * picture.width), 1), max(int(part * picture.height), 1))
        picture = picture if size == picture.size else picture.resize(size)
        if self.photo is None or (self.photo.width(), self.photo.height()) != size:
            self.photo = self.photos(picture, master=self.root)
            self.label.configure(image=self.photo)
        else:
            self.photo.paste(picture)
        self.root.update()
        return not self.ended

    def close(self) -> None:
        """Close the window."""
        self.root.destroy()
        self.root = self.label = self.photo = None
        gc.collect()  # now: Tcl ends the process where another thread collects what is left of a window
