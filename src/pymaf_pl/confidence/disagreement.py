"""What a network says twice, and how far the two answers lie apart.

Twice in the loop: the last iteration and the one before. Twice before a mirror: the photo, and the photo flipped left
to right, whose answer is flipped back. Neither needs a label.

Shapes:  N people, T feedback iterations, 49 joints (``JOINTS_49``).
"""

import numpy as np
import numpy.typing as npt

from pymaf_pl.body.joints import FLIP_49, JOINTS_49

FloatArray = npt.NDArray[np.floating]
FEATURES = ("loop", "flip", "mean loop", "mean flip")
ROOT = JOINTS_49.index("op_mid_hip")


def mirrored_joints(joints: FloatArray) -> FloatArray:
    """Flip (..., 49, 3) joints in camera axes left to right; applied twice, it does nothing."""
    return joints[..., FLIP_49, :] * np.array([-1.0, 1.0, 1.0])


def rooted(joints: FloatArray) -> FloatArray:
    """Return (..., 49, 3) joints relative to the middle of the hips."""
    return joints - joints[..., ROOT : ROOT + 1, :]


def disagreement(joints: FloatArray, of_flipped: FloatArray) -> FloatArray:
    """Measure it.

    Args:
        joints: (N, T+1, 49, 3) metres, camera axes, of every iteration.
        of_flipped: (N, T+1, 49, 3) likewise, of the flipped photo, as the network gave them.

    Returns:
        (N, 49, 4) mm, the ``FEATURES``: how far a joint moved in the last iteration; how far the flipped photo puts it
        elsewhere; and the means of both over the person's joints. All relative to the middle of the hips.
    """
    last, before, flipped = rooted(joints[:, -1]), rooted(joints[:, -2]), rooted(mirrored_joints(of_flipped[:, -1]))
    loop, flip = (1000 * np.linalg.norm(last - other, axis=-1) for other in (before, flipped))
    means = (np.repeat(part.mean(axis=1, keepdims=True), part.shape[1], axis=1) for part in (loop, flip))
    return np.stack([loop, flip, *means], axis=-1)
