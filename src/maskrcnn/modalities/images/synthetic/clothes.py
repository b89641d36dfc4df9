"""Skin, hair and clothes of a rendered body: which cloth each place of its surface has, and how far that stands off."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from maskrcnn.modalities.images.synthetic.textures import Photos, colour, read_texture, texture

TORSO, HANDS, FEET, HEAD = (1, 2), (3, 4), (5, 6), (23, 24)  # parts of anny-24
UPPER_LEGS, LOWER_LEGS, UPPER_ARMS, LOWER_ARMS = (7, 8, 9, 10), (11, 12, 13, 14), (15, 16, 17, 18), (19, 20, 21, 22)
SKIN = ((0.97, 0.82, 0.72), (0.87, 0.66, 0.52), (0.68, 0.46, 0.33), (0.45, 0.29, 0.20), (0.26, 0.17, 0.12))
HAIR = ((0.05, 0.04, 0.04), (0.25, 0.15, 0.08), (0.45, 0.30, 0.15), (0.80, 0.65, 0.40), (0.65, 0.63, 0.62))


@dataclass(frozen=True)
class Garment:
    """Something worn: how far it reaches along limbs and trunk, and what it looks like.

    Attributes:
        covers: of parts 0..24 the lowest and the highest v that it covers; a part that it leaves bare has (2, 2).
        cloth: its texture.
        scale: repeats of the texture a metre.
        thickness: metres that it stands off the body.
    """

    covers: np.ndarray
    cloth: np.ndarray
    scale: float
    thickness: float

    def where(self, parts: np.ndarray, uv: np.ndarray) -> np.ndarray:
        """Bool ``[P]``: which of the places it covers."""
        low, high = self.covers[parts].T
        inside: np.ndarray = (uv[:, 1] >= low) & (uv[:, 1] <= high)
        return inside


@dataclass(frozen=True)
class Outfit:
    """What a body looks like.

    Attributes:
        skin: its colour ``[3]``, 0..1.
        garments: what it wears, outermost last.
        hair: colour ``[3]`` of its hair.
        hairline: elevation on the head's charts from which on there is hair, in front and behind; above 1: none.
        volume: metres that the hair stands off.
        waves: ``[6, 4]``: directions and phases of folds.
    """

    skin: np.ndarray
    hair: np.ndarray
    hairline: tuple[float, float]
    volume: float
    waves: np.ndarray
    garments: list[Garment] = field(default_factory=list)

    def is_hair(self, parts: np.ndarray, uv: np.ndarray) -> np.ndarray:
        """Bool ``[P]``."""
        line = np.where(uv[:, 0] < 0.42, self.hairline[0], self.hairline[1])
        hair: np.ndarray = np.isin(parts, HEAD) & (uv[:, 1] > line)
        return hair

    def stands_off(self, parts: np.ndarray, uv: np.ndarray, places: np.ndarray) -> np.ndarray:
        """How far what is worn enlarges the body.

        Args:
            parts: int ``[P]``, 1..24.
            uv: ``[P, 2]``.
            places: ``[P, 3]``, metres, of the body at rest.

        Returns:
            ``[P]``, metres.
        """
        off = np.where(self.is_hair(parts, uv), self.volume, 0.0)
        for garment in self.garments:
            off = np.where(garment.where(parts, uv), garment.thickness, off)
        grown: np.ndarray = off * (1 + 0.5 * self.folds(places))
        return grown

    def folds(self, places: np.ndarray) -> np.ndarray:
        """Smooth waves ``[P]`` over the body, about -1..1."""
        waves: np.ndarray = np.sin(places @ self.waves[:, :3].T + self.waves[:, 3]).mean(1) * 1.5
        return waves

    def colours(self, parts: np.ndarray, uv: np.ndarray, places: np.ndarray) -> np.ndarray:
        """What the body looks like without light.

        Args:
            parts: int ``[P]``, 1..24.
            uv: ``[P, 2]``.
            places: ``[P, 3]``, metres, of the body at rest.

        Returns:
            Colours ``[P, 3]``, 0..1 but for small errors.
        """
        folds = self.folds(places)[:, None]
        seen = np.broadcast_to(self.skin, (len(parts), 3)) * (1 + 0.04 * folds)
        face = np.isin(parts, HEAD) & (uv[:, 0] < 0.25)
        eyes = face & (np.abs(uv[:, 1] - 0.53) < 0.03) & (uv[:, 0] > 0.06) & (uv[:, 0] < 0.17)
        mouth = face & (np.abs(uv[:, 1] - 0.30) < 0.025) & (uv[:, 0] < 0.10)
        seen = np.where(eyes[:, None], self.hair * 0.5, seen)
        seen = np.where(mouth[:, None], self.skin * [0.8, 0.5, 0.5], seen)
        for garment in self.garments:
            on = garment.where(parts, uv)
            flat = places[on][:, [0, 2]] * garment.scale + places[on][:, 1:2] * garment.scale * 0.5
            seen[on] = read_texture(garment.cloth, flat) * (1 + 0.12 * folds[on])
        hair = self.is_hair(parts, uv)
        strands = 0.8 + 0.4 * np.sin(places[hair] @ (self.waves[0, :3] * 8))[:, None] ** 2
        seen[hair] = self.hair * strands
        return seen


def _covers(spans: dict[tuple[int, ...], tuple[float, float]]) -> np.ndarray:
    table = np.full((25, 2), 2.0)
    for parts, span in spans.items():
        table[list(parts)] = span
    return table


def draw_outfit(rng: np.random.Generator, photos: Photos) -> Outfit:
    """Skin, hair and clothes by chance."""
    first, second = rng.integers(len(SKIN), size=2)
    mixed = np.array(SKIN[first]) * (w := rng.random()) + np.array(SKIN[second]) * (1 - w)
    hair = np.array(HAIR[rng.integers(len(HAIR))]) * rng.uniform(0.7, 1.2)
    bald = rng.random() < 0.1
    outfit = Outfit(
        skin=(mixed * rng.uniform(0.85, 1.1)).clip(0, 1),
        hair=colour(rng) if rng.random() < 0.1 else hair,
        hairline=(2.0, 2.0) if bald else (rng.uniform(0.62, 0.8), rng.uniform(0.2, 0.5)),
        volume=rng.uniform(0.0, 0.05),
        waves=np.column_stack([rng.normal(0, rng.choice([8, 16, 30]), (6, 3)), rng.uniform(0, 6.3, 6)]),
    )

    def wear(spans: dict[tuple[int, ...], tuple[float, float]], cloth: np.ndarray, most: float) -> None:
        outfit.garments.append(Garment(_covers(spans), cloth, rng.uniform(0.5, 4), rng.uniform(0.002, most)))

    waist = rng.uniform(0.15, 0.4)
    leg = rng.choice([rng.uniform(0.2, 1.0), 2.0], p=[0.35, 0.65])
    bottom, top = texture(rng, photos), texture(rng, photos)
    if rng.random() < 0.95:
        wear({TORSO: (-1, waist), UPPER_LEGS: (-1, leg), LOWER_LEGS: (-1, leg - 1)}, bottom, 0.02)
    if rng.random() < 0.85:
        wear({FEET: (-1, 2), LOWER_LEGS: (rng.choice([0.93, 0.7], p=[0.85, 0.15]), 2)}, texture(rng, photos), 0.015)
    if rng.random() < 0.93:
        sleeve = rng.choice([rng.uniform(-0.2, 1.0), 1.95], p=[0.55, 0.45])
        cloth = bottom if rng.random() < 0.15 else top
        low = rng.uniform(0.0, waist) if rng.random() < 0.8 else rng.uniform(waist, 0.6)
        wear({TORSO: (low, rng.uniform(0.9, 1.0)), UPPER_ARMS: (-1, sleeve), LOWER_ARMS: (-1, sleeve - 1)}, cloth, 0.03)
    if rng.random() < 0.08:
        wear({HANDS: (-1, 2)}, texture(rng, photos), 0.006)
    if rng.random() < 0.2:
        wear({HEAD: (rng.uniform(0.6, 0.72), 2)}, texture(rng, photos), 0.05)
    return outfit
