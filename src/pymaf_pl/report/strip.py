"""A row of pictures with a line of text below each, as one picture."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pymaf_pl.report.pictures import check_picture

_PAPER, _INK = (255, 255, 255), (70, 68, 64)
_GAP = 8  # px


def picture_strip(pictures: Sequence[np.ndarray], labels: Sequence[str], side: int = 256) -> Image.Image:
    """Put pictures beside each other.

    Args:
        pictures: (H, W, 3) uint8 RGB each; all get the same height.
        labels: one for each; below it.
        side: height of the pictures, px.

    Raises:
        InputError: something is not such a picture.
    """
    tiles = []
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        check_picture(picture, f"picture {number} of the strip ({label})")
        width = max(1, round(picture.shape[1] * side / picture.shape[0]))
        tiles.append(Image.fromarray(np.ascontiguousarray(picture)).resize((width, side), Image.Resampling.LANCZOS))
    size = max(11, side // 18)
    font, line = ImageFont.load_default(size), 2 * size
    total = sum(tile.width for tile in tiles) + _GAP * max(len(tiles) - 1, 0)
    strip = Image.new("RGB", (max(total, 1), side + line), _PAPER)
    pen, left = ImageDraw.Draw(strip), 0
    for tile, label in zip(tiles, labels, strict=True):
        strip.paste(tile, (left, 0))
        pen.text((left, side + line // 2), label, _INK, font, anchor="lm")
        left += tile.width + _GAP
    return strip
