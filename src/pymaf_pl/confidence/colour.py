"""Confidence as colour on a mesh: blue where it is sure, over straw, to red where it is not.

Shapes:  V vertices.
"""

import numpy as np
import numpy.typing as npt

from pymaf_pl.body.joints import JOINTS_49, SKELETON_24

FloatArray = npt.NDArray[np.floating]
# three stops that keep their order in grey and for the colour-blind
_STOPS = np.array([[0.84, 0.24, 0.22], [0.97, 0.86, 0.55], [0.32, 0.55, 0.86]])
_NEAREST = {  # of the 49, for the joints of the skeleton that are not among them
    "spine1": "spine", "spine2": "spine", "spine3": "thorax", "left_collar": "left_shoulder",
    "right_collar": "right_shoulder", "left_foot": "op_left_big_toe", "right_foot": "op_right_big_toe",
    "left_hand": "left_wrist", "right_hand": "right_wrist", "pelvis": "pelvis", "neck": "neck", "head": "head",
}  # fmt: skip
_IN_49 = [JOINTS_49.index(_NEAREST.get(name, name)) for name in SKELETON_24]


def vertex_colours(chance: FloatArray, weights: FloatArray) -> FloatArray:
    """Spread joints over the surface, as skinning does, and colour it.

    Args:
        chance: (49,) in [0, 1].
        weights: (V, 24) skinning weights.

    Returns:
        (V, 3) r g b in [0, 1].
    """
    share = np.clip(weights @ np.asarray(chance)[_IN_49], 0, 1)
    return np.stack([np.interp(share, [0.0, 0.5, 1.0], _STOPS[:, c]) for c in range(3)], axis=1)
