"""A picture of people who stand in a street, drawn from the open body."""

import numpy as np

from pymaf_pl.body import load_body
from pymaf_pl.data.images import ImageArray
from pymaf_pl.render import overlay_meshes

HEIGHT, WIDTH = 480, 640


def street(figures: list[tuple[float, float]]) -> ImageArray:
    """A grey street with a standing figure, arms down, at each (x of the middle, height in px)."""
    body = load_body("open")
    rest = body.arrays.v_template * [1.0, -1.0, -1.0]
    turn = np.clip((np.abs(rest[:, 0]) - 0.18) / 0.1, 0, 1)[:, None]
    x, y, z = rest.T
    hanging = np.stack([np.sign(x) * (0.2 + 0.1 * (np.abs(x) - 0.2)), y + 0.95 * (np.abs(x) - 0.2), z], -1)
    figure = rest + turn * (hanging - rest)
    picture = np.full((HEIGHT, WIDTH, 3), 190, np.uint8)
    picture[HEIGHT // 2 :] = 150
    screens = []
    for middle, height in figures:
        scale = height / np.ptp(figure[:, 1])
        xy = (figure[:, :2] - [0, figure[:, 1].max()]) * scale + [middle, 440]
        screens.append(np.concatenate([xy, figure[:, 2:] + 5], axis=1))
    return overlay_meshes(picture, screens, [figure] * len(figures), body.faces.numpy())
