"""Objects and images that are looked for in a journal: those of a class, or of which a model was unsure."""

from __future__ import annotations

import json

from maskrcnn.jobs.studio.journal import Journal
from maskrcnn.jobs.studio.strokes import Body

OF_CLASS = "(? = '' OR json_extract(body, '$.class') = ?)"
OF_SCORE = "(? >= 1 OR json_extract(body, '$.score') <= ?)"


def images_with(journal: Journal, name: str, below: float = 1.0) -> set[str]:
    """Names of the images that have an object that is looked for, among those that were opened.

    Args:
        journal: of the project.
        name: of the class; empty: of any.
        below: only objects that a model proposed with this score or a lower one; 1: all objects.

    Returns:
        The names.
    """
    query = f"SELECT DISTINCT image FROM objects WHERE {OF_CLASS} AND {OF_SCORE}"  # noqa: S608 - our own words
    return {row[0] for row in journal.rows(query, name, name, below, below)}


def all_objects(journal: Journal, name: str = "", below: float = 1.0) -> list[tuple[str, int, Body]]:
    """All objects that are looked for, see :func:`images_with`.

    Args:
        journal: of the project.
        name: of the class; empty: of any.
        below: only objects that a model proposed with this score or a lower one; 1: all objects.

    Returns:
        Image, id and body of each; those of low scores, if they are asked for, the lowest first.
    """
    query = f"SELECT image, id, body FROM objects WHERE {OF_CLASS} AND {OF_SCORE} ORDER BY image, id"  # noqa: S608
    found = [(image, number, json.loads(body)) for image, number, body in journal.rows(query, name, name, below, below)]
    return found if below >= 1 else sorted(found, key=lambda one: float(one[2]["score"]))
