"""From crop NDC to raster pixels, the frame everything in this package draws in.

In raster px the left edge of the picture is x = 0, its right edge x = width, and pixel i has its centre at i + 0.5.
Crop NDC -1 and +1 are these two edges, as for the key points of the training data (x_ndc = 2 x_px / size - 1) and for
the official IUV targets (a camera matrix with its centre at 112 of 224 px).

Reading feature maps uses the same NDC with ``align_corners=True``, where -1 and +1 are the centres of the outermost
cells. The two differ by up to half a cell at the border, in the published code and so here; drawing does not follow it.
"""

import torch
from torch import Tensor


def ndc_to_screen(points: Tensor, height: int, width: int) -> Tensor:
    """Map points (..., 3), xy in crop NDC (x right, y down), to raster px of a picture; z passes through."""
    if points.shape[-1] != 3:
        raise ValueError(f"points must be (..., 3), got {tuple(points.shape)}")
    x, y, z = points.unbind(-1)
    return torch.stack([(x + 1) * (width / 2), (y + 1) * (height / 2), z], dim=-1)
