"""The doctor's findings: every kind that there is, what it means and what to do about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from maskrcnn.data.faults import Fault

Severity = Literal["error", "warning", "note"]
ORDER: tuple[Severity, ...] = ("error", "warning", "note")
MOST_EXAMPLES = 200  # kept in a finding; the screen shows a few


@dataclass(frozen=True)
class Kind:
    """What one kind of finding says: how bad it is, its headline, why it matters, and the way out."""

    severity: Severity
    title: str
    why: str
    fix: str


@dataclass(frozen=True)
class Finding:
    """One kind of fault or remark with all its places in one data set.

    Attributes:
        code: a key of :data:`KINDS`.
        data: ``train``, ``val``, or ``both`` for what lies between the two.
        count: places where it was found.
        of: how many were looked at; 0 where that says nothing.
        examples: ``file name: what`` of the first ones.
    """

    code: str
    severity: Severity
    data: str
    count: int
    of: int
    title: str
    why: str
    fix: str
    examples: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "examples": list(self.examples)}


EXPORT = "correct them in your labelling tool and export again"
KINDS: dict[str, Kind] = {
    "image-missing": Kind(
        "error",
        "Images that are not there",
        "They are named by the labels, but there is no such file: they and their labels are left out.",
        "copy these files to where the others are, or export the data set again.",
    ),
    "image-unreadable": Kind(
        "error",
        "Images that cannot be read",
        "They are damaged, cut off or empty, and are left out of every epoch.",
        "open each in an image viewer; copy, download or save it again.",
    ),
    "image-size": Kind(
        "error",
        "Images of another size than their labels",
        "The labels were drawn on another version of the picture, so every outline would lie in the wrong place.",
        "use the pictures that were labelled (not resized, cropped or turned ones), or export both again together.",
    ),
    "image-entry": Kind(
        "error",
        "Entries of 'images' that cannot be used",
        "Without a name and an id of its own, an image and its labels cannot be brought together.",
        "export the data set again; where files were merged by hand, give every image its own id.",
    ),
    "image-duplicate": Kind(
        "warning",
        "Pictures that are there more than once",
        "Copies (also mirrored, recompressed, or frames of a standing camera) count double in training, and contradict "
        "one another where their labels differ.",
        "keep one of each and delete the others with their labels.",
    ),
    "image-blank": Kind(
        "warning",
        "Pictures that show nothing",
        "They are one colour all over, as a failed export or an empty exposure leaves them.",
        "look at them; delete them if they are not meant to be empty.",
    ),
    "image-unlabelled": Kind(
        "warning",
        "Images without labels",
        "Training takes them as pictures in which there is nothing to find, and learns to find nothing there.",
        "label what can be seen in them, or take them out; if they are really empty, all is well.",
    ),
    "same-picture": Kind(
        "warning",
        "Pictures in both train and val",
        "What was seen in training is recognised, not found: the measured precision will be too good to be true.",
        "delete them from one of the two folders.",
    ),
    "same-source": Kind(
        "warning",
        "Pictures from one source photo in both train and val",
        "Their names say that they were made from one uploaded file (a crop, a frame, an augmented copy): "
        "measured precision will be too good.",
        "move all pictures from one source into the same folder, and split before augmenting.",
    ),
    "labels-unreadable": Kind(
        "error",
        "Label files that cannot be read",
        "Their images are left out of training.",
        "write these files again; a label map is an 8- or 16-bit grey PNG or TIFF of object numbers.",
    ),
    "label-without-image": Kind(
        "error",
        "Labels of images that the file does not list",
        "An id that leads nowhere: these labels are left out.",
        "export again; where files were merged by hand, the ids got mixed up.",
    ),
    "category-unknown": Kind(
        "error",
        "Labels of a class without a name",
        "Their category id is not in the list of categories, so nobody knows what they are: they are left out.",
        "add the missing entries to 'categories', or export again with all classes chosen.",
    ),
    "category-twice": Kind(
        "warning",
        "Class names that are there twice",
        "Objects of one kind are divided between two classes, which compete with one another.",
        "merge them into one class in your labelling tool.",
    ),
    "class-crowd": Kind("error", "Classes of which every object is marked as a crowd", "", ""),
    "class-empty": Kind(
        "warning",
        "Classes without a single object",
        "They are named but never labelled, so they cannot be learned.",
        "label some, or delete the class.",
    ),
    "class-few": Kind(
        "warning",
        "Classes with too few examples",
        "From fewer than about twenty objects a class is learned badly or not at all.",
        "label more of them, or merge them into a related class.",
    ),
    "box-outside": Kind(
        "error",
        "Boxes or outlines outside the image",
        "They lie wholly or partly beyond the border: the sizes of images and labels do not belong together, or "
        "coordinates were exchanged.",
        f"{EXPORT}; if it is all of them, look for x and y exchanged, or labels made for larger pictures.",
    ),
    "box-empty": Kind(
        "error",
        "Boxes without area",
        "A width or height of zero or less is no object; it is left out or, with a mask, replaced by the mask's box.",
        f"delete these clicks, or {EXPORT}. Boxes are written [x, y, width, height], not two corners.",
    ),
    "not-a-number": Kind(
        "error",
        "Coordinates that are no numbers",
        "NaN, infinite or missing numbers: these boxes or outlines are left out.",
        f"{EXPORT}; look for a division by zero where you converted the labels yourself.",
    ),
    "box-mask-disagree": Kind(
        "error",
        "Boxes that disagree with their masks",
        "Box and outline of an object lie in different places: the model is told two stories at once.",
        f"{EXPORT}; where you have converted the labels yourself, make each box anew from its mask.",
    ),
    "mask-unreadable": Kind(
        "error",
        "Masks that cannot be read",
        "A polygon of fewer than three points, or run lengths of another size than the image.",
        f"{EXPORT}.",
    ),
    "mask-missing": Kind(
        "warning",
        "Objects without a mask among others that have one",
        "Only their box teaches.",
        "draw their outlines, if masks matter for them.",
    ),
    "polygon-crossing": Kind(
        "warning",
        "Polygons that cross themselves",
        "Points in the wrong order make inside and outside change places, so part of the object is cut out.",
        "draw these outlines anew; where you have sorted points yourself, keep them in the order of the outline.",
    ),
    "object-twice": Kind(
        "warning",
        "Objects that were labelled twice",
        "The same box of the same class again: one of the two is always counted as missed.",
        "delete one of each pair.",
    ),
    "label-map-lossy": Kind(
        "error",
        "Label maps saved as JPEG or WebP",
        "Lossy compression changes the numbers along every outline into objects of their own.",
        "write label maps as PNG or TIFF, from the original labels.",
    ),
    "label-map-semantic": Kind(
        "warning",
        "Label maps with one number for several objects",
        "All objects of these images have the same number, so they count as a single one.",
        "give each object its own number (connected parts of the map), or export instance masks.",
    ),
    "object-in-parts": Kind(
        "note",
        "Objects in several separate parts",
        "One number in several places: right for an object that something covers, wrong if numbers were used again.",
        "look at one of them; renumber if the parts are different objects.",
    ),
    "object-speck": Kind(
        "warning",
        "Objects of only a few pixels",
        "Slips of the pen, or rests along a border; each counts as an object to find.",
        "delete them.",
    ),
    "nothing-labelled": Kind(
        "error",
        "Nothing is labelled",
        "There is no object to learn from.",
        "label some objects first, or export again with the annotations.",
    ),
    "classes-differ": Kind(
        "error",
        "Classes of val that train does not have",
        "They can never be found, and count as missed.",
        "use the same list of classes for both.",
    ),
    "objects-tiny": Kind("warning", "Objects too small for this image size", "", ""),
    "anchors-miss": Kind("warning", "Objects that no anchor resembles", "", ""),
    "memory-short": Kind("warning", "Not enough memory for this training", "", ""),
    "labels-misplaced": Kind("error", "Labels that do not lie on what the pictures show", "", ""),
    "trial-not-finite": Kind(
        "error",
        "The trial training broke down",
        "The loss is no number after a few steps on these very images.",
        "look at these images and their labels: extreme or overlapping boxes are the usual cause.",
    ),
    "trial-not-learning": Kind(
        "error",
        "A few images could not be learned by heart",
        "The loss does not fall even on images seen again and again: labels and pictures do not belong together.",
        "draw the labels of these images over them and look: are they shifted, exchanged or of other pictures?",
    ),
    "trial-masks-off": Kind(
        "error",
        "Masks learned by heart do not match the labelled ones",
        "Within their own boxes the masks cannot be drawn: boxes and masks contradict one another.",
        "make each box anew from its mask; look for x and y exchanged or a shift in one of the two.",
    ),
    "reader": Kind(
        "error",
        "What else was passed over while reading",
        "These files or labels could not be used as they are.",
        f"{EXPORT}.",
    ),
    "reader-remark": Kind(
        "note",
        "How the labels are understood",
        "The format leaves it open, so it was decided while reading.",
        "if it is not what you mean, say it otherwise in the labels, or export them in another format.",
    ),
}


def gather(faults: Iterable[Fault], data: str, totals: dict[str, int]) -> list[Finding]:
    """Gather the faults of one data set into findings, one a kind, in the order of :data:`KINDS`.

    Args:
        faults: of single files and labels.
        data: ``train`` or ``val``.
        totals: how many were looked at, by the code of the kind.

    Returns:
        A finding for each kind of which there is a fault.
    """
    by_code: dict[str, list[Fault]] = {}
    for fault in faults:
        by_code.setdefault(fault.code, []).append(fault)
    unknown = by_code.keys() - KINDS.keys()
    assert not unknown, unknown
    return [finding(code, data, _lines(by_code[code]), totals.get(code, 0)) for code in KINDS if code in by_code]


def finding(code: str, data: str, examples: list[str], of: int = 0, count: int | None = None, **said: Any) -> Finding:
    """Make a finding of one kind.

    Args:
        code: one of :data:`KINDS`.
        data: ``train``, ``val`` or ``both``.
        examples: names of files, or sentences.
        of: how many were looked at; 0 where that means nothing.
        count: how many are at fault; None: as many as there are examples.
        **said: replaces what the kind says in general: ``why``, ``fix``.

    Returns:
        The finding.
    """
    kind = dataclasses.replace(KINDS[code], **said)
    number = len(examples) if count is None else count
    shown = tuple(examples[:MOST_EXAMPLES])
    return Finding(code, kind.severity, data, number, of, kind.title, kind.why, kind.fix, shown)


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Worst first."""
    return sorted(findings, key=lambda found: (ORDER.index(found.severity), found.data == "val"))


def _lines(faults: list[Fault]) -> list[str]:
    return [f"{fault.place}: {fault.detail}" if fault.detail else fault.place for fault in faults]
