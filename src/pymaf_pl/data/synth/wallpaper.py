"""The walls of a room as one unrolled picture, and what hangs on them: skirting, doors, windows, framed pictures."""

import cv2
import numpy as np

from pymaf_pl.data.synth.camera import Image
from pymaf_pl.data.synth.textures import Colour, Material, blend, hsv, read_tile


class Wallpaper:
    """Paint in metres on the four walls of a room.

    A position is the distance along the perimeter (the wall at +z from -x to +x, then +x, -z and -x) and the height
    above the floor.
    """

    def __init__(self, half_x: float, half_z: float, height: float, pixels_per_metre: int, colours: list[Colour]):
        self.scale, self.height = pixels_per_metre, height
        self.starts = np.cumsum([0, 2 * half_x, 2 * half_z, 2 * half_x])
        self.perimeter = 4 * (half_x + half_z)
        self.paper: Image = np.empty((round(height * self.scale), round(self.perimeter * self.scale), 3), np.float32)
        edges = [*np.round(self.starts * self.scale).astype(int), self.paper.shape[1]]
        for colour, first, last in zip(colours, edges[:-1], edges[1:], strict=True):
            self.paper[:, first:last] = colour

    def rectangle(self, left: float, low: float, right: float, high: float, colour: Colour) -> None:
        """Fill a rectangle with one colour."""
        corner = (round(left * self.scale), round((self.height - high) * self.scale))
        opposite = (round(right * self.scale) - 1, round((self.height - low) * self.scale) - 1)
        cv2.rectangle(self.paper, corner, opposite, [float(c) for c in colour], -1)

    def band(self, low: float, high: float, colour: Colour) -> None:
        """Run a band round the whole room, such as a skirting board or a dado."""
        self.rectangle(0, low, self.perimeter, high, colour)

    def material(self, material: Material, contrast: float, tile_m: float) -> None:
        """Give the walls a grain: plaster, bricks, boards."""
        rows, columns = np.indices(self.paper.shape[:2], dtype=np.float32) * np.float32(256 / (tile_m * self.scale))
        self.paper *= 1 + np.float32(contrast) * (read_tile(material, columns, rows)[..., None] - 0.5)

    def door(self, left: float, colour: Colour) -> None:
        """Draw a closed door with two panels and a handle."""
        self.rectangle(left - 0.07, 0, left + 0.97, 2.12, colour * 1.15)
        self.rectangle(left, 0, left + 0.9, 2.05, colour)
        for low, high in ((0.2, 0.9), (1.05, 1.9)):
            self.rectangle(left + 0.14, low, left + 0.76, high, colour * 0.88)
        self.rectangle(left + 0.8, 0.98, left + 0.86, 1.08, np.full(3, 0.3, np.float32))

    def window(self, left: float, width: float, low: float, high: float, sky: Colour) -> None:
        """Draw a window onto the sky with a white frame."""
        white = np.full(3, 0.92, np.float32)
        self.rectangle(left, low, left + width, high, white)
        step = (high - low - 0.12) / 6
        for row in range(6):
            y = low + 0.06 + step * row
            self.rectangle(left + 0.06, y, left + width - 0.06, y + step + 0.01, sky * (0.8 + 0.04 * row))
        panes = max(2, round(width / 0.7))
        for bar in range(1, panes):
            middle = left + width * bar / panes
            self.rectangle(middle - 0.03, low, middle + 0.03, high, white)

    def picture(self, left: float, low: float, width: float, height: float, rng: np.random.Generator) -> None:
        """Hang a framed picture: a landscape, a colour field or a poster with lines."""
        self.rectangle(left, low, left + width, low + height, np.full(3, rng.choice([0.12, 0.85, 0.4]), np.float32))
        edge = 0.05 * min(width, height) + 0.02
        left, low, width, height = left + edge, low + edge, width - 2 * edge, height - 2 * edge
        hue = rng.uniform()
        paper = hsv(hue, rng.uniform(0.05, 0.5), rng.uniform(0.6, 0.95))
        self.rectangle(left, low, left + width, low + height, paper)
        kind = rng.integers(3)
        if kind == 0:
            self.rectangle(left, low, left + width, low + height * rng.uniform(0.3, 0.6), hsv(hue + 0.3, 0.4, 0.45))
        elif kind == 1:
            for _ in range(3):
                x, y = left + width * rng.uniform(0.1, 0.5), low + height * rng.uniform(0.1, 0.5)
                colour = hsv(hue + rng.normal(0, 0.1), rng.uniform(0.3, 0.8), rng.uniform(0.3, 0.9))
                self.rectangle(x, y, x + width * rng.uniform(0.2, 0.4), y + height * rng.uniform(0.2, 0.4), colour)
        else:
            for row in np.linspace(0.15, 0.8, 5):
                self.rectangle(left + 0.15 * width, low + row * height, left + width * rng.uniform(0.5, 0.85),
                               low + (row + 0.05) * height, paper * 0.45)  # fmt: skip


def grainy(material: Material, dark: Colour, light: Colour, size: int) -> Image:
    """Return a square picture (size, size, 3) of a material, for things that are not walls."""
    rows, columns = np.indices((size, size), dtype=np.float32) * np.float32(1.7)
    return blend(read_tile(material, columns, rows), dark, light)
