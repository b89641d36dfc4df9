"""Every kind of finding that the doctor has: how bad it is, what it means and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class FindingKind:
    """What one kind of finding says: how bad it is, its headline, why it matters, and the way out."""

    severity: Severity
    title: str
    why: str
    fix: str


EXPORT = "correct them in your labelling tool and export again"
FINDING_KINDS: dict[str, FindingKind] = {
    "file-label": FindingKind(
        "warning",
        "Rows and files that do not belong together",
        "They are left out: nothing is learned from a file without a label, nor from a label without its file.",
        "correct the table, or name the files with their paths from where the table lies.",
    ),
    "label-leak": FindingKind(
        "warning",
        "Labels that something else gives away",
        "What tells the label so well besides the content may be what a model learns, and the figures will look good.",
        "read each sentence; a file that is like the others but for what is meant is worth more than ten that are not.",
    ),
    "label-rare": FindingKind(
        "warning",
        "Labels of few files",
        "From fewer than ten files a label is hardly learned, and how well cannot be measured.",
        "add files that have it, and some that are alike and have it not.",
    ),
    "image-missing": FindingKind(
        "error",
        "Images that are not there",
        "They are named by the labels, but there is no such file: they and their labels are left out.",
        "copy these files to where the others are, or export the data set again.",
    ),
    "image-unreadable": FindingKind(
        "error",
        "Images that cannot be read",
        "They are damaged, cut off or empty, and are left out of every epoch.",
        "open each in an image viewer; copy, download or save it again.",
    ),
    "image-size": FindingKind(
        "error",
        "Images of another size than their labels",
        "The labels were drawn on another version of the picture, so every outline would lie in the wrong place.",
        "use the pictures that were labelled (not resized, cropped or turned ones), or export both again together.",
    ),
    "image-entry": FindingKind(
        "error",
        "Entries of 'images' that cannot be used",
        "Without a name and an id of its own, an image and its labels cannot be brought together.",
        "export the data set again; where files were merged by hand, give every image its own id.",
    ),
    "image-duplicate": FindingKind(
        "warning",
        "Pictures that are there more than once",
        "Copies (also mirrored, recompressed, or frames of a standing camera) count double in training, and contradict "
        "one another where their labels differ.",
        "keep one of each and delete the others with their labels.",
    ),
    "image-blank": FindingKind(
        "warning",
        "Pictures that show nothing",
        "They are one colour all over, as a failed export or an empty exposure leaves them.",
        "look at them; delete them if they are not meant to be empty.",
    ),
    "image-unlabelled": FindingKind(
        "warning",
        "Images without labels",
        "Training takes them as pictures in which there is nothing to find, and learns to find nothing there.",
        "label what can be seen in them, or take them out; if they are really empty, all is well.",
    ),
    "same-picture": FindingKind(
        "warning",
        "Pictures in both train and val",
        "What was seen in training is recognised, not found: the measured precision will be too good to be true.",
        "delete them from one of the two folders.",
    ),
    "same-source": FindingKind(
        "warning",
        "Pictures from one source photo in both train and val",
        "Their names say that they were made from one uploaded file (a crop, a frame, an augmented copy): "
        "measured precision will be too good.",
        "move all pictures from one source into the same folder, and split before augmenting.",
    ),
    "labels-unreadable": FindingKind(
        "error",
        "Label files that cannot be read",
        "Their images are left out of training.",
        "write these files again; a label map is an 8- or 16-bit grey PNG or TIFF of object numbers.",
    ),
    "label-without-image": FindingKind(
        "error",
        "Labels of images that the file does not list",
        "An id that leads nowhere: these labels are left out.",
        "export again; where files were merged by hand, the ids got mixed up.",
    ),
    "category-unknown": FindingKind(
        "error",
        "Labels of a class without a name",
        "Their category id is not in the list of categories, so nobody knows what they are: they are left out.",
        "add the missing entries to 'categories', or export again with all classes chosen.",
    ),
    "category-twice": FindingKind(
        "warning",
        "Class names that are there twice",
        "Objects of one kind are divided between two classes, which compete with one another.",
        "merge them into one class in your labelling tool.",
    ),
    "class-crowd": FindingKind("error", "Classes of which every object is marked as a crowd", "", ""),
    "class-empty": FindingKind(
        "warning",
        "Classes without a single object",
        "They are named but never labelled, so they cannot be learned.",
        "label some, or delete the class.",
    ),
    "class-few": FindingKind(
        "warning",
        "Classes with too few examples",
        "From fewer than about twenty objects a class is learned badly or not at all.",
        "label more of them, or merge them into a related class.",
    ),
    "box-outside": FindingKind(
        "error",
        "Boxes or outlines outside the image",
        "They lie wholly or partly beyond the border: the sizes of images and labels do not belong together, or "
        "coordinates were exchanged.",
        f"{EXPORT}; if it is all of them, look for x and y exchanged, or labels made for larger pictures.",
    ),
    "box-empty": FindingKind(
        "error",
        "Boxes without area",
        "A width or height of zero or less is no object; it is left out or, with a mask, replaced by the mask's box.",
        f"delete these clicks, or {EXPORT}. Boxes are written [x, y, width, height], not two corners.",
    ),
    "not-a-number": FindingKind(
        "error",
        "Coordinates that are no numbers",
        "NaN, infinite or missing numbers: these boxes or outlines are left out.",
        f"{EXPORT}; look for a division by zero where you converted the labels yourself.",
    ),
    "box-mask-disagree": FindingKind(
        "error",
        "Boxes that disagree with their masks",
        "Box and outline of an object lie in different places: the model is told two stories at once.",
        f"{EXPORT}; where you have converted the labels yourself, make each box anew from its mask.",
    ),
    "mask-unreadable": FindingKind(
        "error",
        "Masks that cannot be read",
        "A polygon of fewer than three points, or run lengths of another size than the image.",
        f"{EXPORT}.",
    ),
    "mask-missing": FindingKind(
        "warning",
        "Objects without a mask among others that have one",
        "Only their box teaches.",
        "draw their outlines, if masks matter for them.",
    ),
    "polygon-crossing": FindingKind(
        "warning",
        "Polygons that cross themselves",
        "Points in the wrong order make inside and outside change places, so part of the object is cut out.",
        "draw these outlines anew; where you have sorted points yourself, keep them in the order of the outline.",
    ),
    "object-twice": FindingKind(
        "warning",
        "Objects that were labelled twice",
        "The same box of the same class again: one of the two is always counted as missed.",
        "delete one of each pair.",
    ),
    "label-map-lossy": FindingKind(
        "error",
        "Label maps saved as JPEG or WebP",
        "Lossy compression changes the numbers (or colours) along every outline into others.",
        "write label maps as PNG or TIFF, from the original labels.",
    ),
    "class-map-unknown": FindingKind(
        "error",
        "Class maps with a number or colour that the list of classes does not have",
        "Nobody says what these pixels are, so the whole image is left out of training.",
        "add a line for it to classes.txt (with (ignore) behind the name, if nothing is to be learned there), or "
        "correct the map.",
    ),
    "class-map-unlabelled": FindingKind(
        "warning",
        "Class maps in which every pixel is unlabelled",
        "They teach nothing and count nowhere.",
        "label them, or take them out; look whether the number of the unlabelled is the one that you mean.",
    ),
    "class-alone": FindingKind(
        "error",
        "One class alone",
        "Every labelled pixel is of it, so there is nothing to tell apart.",
        "label what is round it too, with a number of its own or with 0.",
    ),
    "label-map-semantic": FindingKind(
        "warning",
        "Label maps with one number for several objects",
        "All objects of these images have the same number, so they count as a single one.",
        "give each object its own number (connected parts of the map), or export instance masks.",
    ),
    "object-in-parts": FindingKind(
        "note",
        "Objects in several separate parts",
        "One number in several places: right for an object that something covers, wrong if numbers were used again.",
        "look at one of them; renumber if the parts are different objects.",
    ),
    "object-speck": FindingKind(
        "warning",
        "Objects of only a few pixels",
        "Slips of the pen, or rests along a border; each counts as an object to find.",
        "delete them.",
    ),
    "nothing-labelled": FindingKind(
        "error",
        "Nothing is labelled",
        "There is no object to learn from.",
        "label some objects first, or export again with the annotations.",
    ),
    "classes-differ": FindingKind(
        "error",
        "Classes of val that train does not have",
        "They can never be found, and count as missed.",
        "use the same list of classes for both.",
    ),
    "objects-tiny": FindingKind("warning", "Objects too small for this image size", "", ""),
    "anchors-miss": FindingKind("warning", "Objects that no anchor resembles", "", ""),
    "memory-short": FindingKind("warning", "Not enough memory for this training", "", ""),
    "labels-misplaced": FindingKind("error", "Labels that do not lie on what the pictures show", "", ""),
    "trial-not-finite": FindingKind(
        "error",
        "The trial training broke down",
        "The loss is no number after a few steps on these very images.",
        "look at these images and their labels: extreme or overlapping boxes are the usual cause.",
    ),
    "trial-not-learning": FindingKind(
        "error",
        "A few images could not be learned by heart",
        "The loss does not fall even on images seen again and again: labels and pictures do not belong together.",
        "draw the labels of these images over them and look: are they shifted, exchanged or of other pictures?",
    ),
    "trial-masks-off": FindingKind(
        "error",
        "Masks learned by heart do not match the labelled ones",
        "Within their own boxes the masks cannot be drawn: boxes and masks contradict one another.",
        "make each box anew from its mask; look for x and y exchanged or a shift in one of the two.",
    ),
    "reader": FindingKind(
        "error",
        "What else was passed over while reading",
        "These files or labels could not be used as they are.",
        f"{EXPORT}.",
    ),
    "reader-remark": FindingKind(
        "note",
        "How the labels are understood",
        "The format leaves it open, so it was decided while reading.",
        "if it is not what you mean, say it otherwise in the labels, or export them in another format.",
    ),
}
