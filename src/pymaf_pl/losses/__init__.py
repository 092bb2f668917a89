"""Training losses.

``terms``   what one iteration is compared with: 2D, 3D, pose, shape, camera, vertices.
``dense``   the auxiliary dense correspondence and its targets, rendered while training.
``total``   their sum over the iterations.

Adding a term: a dataclass with ``weight``, ``needs_vertices`` and ``__call__(predicted, target) -> (T,)`` in
``terms.py``, and an entry in ``conf/losses``. Its log key is the entry's name.
"""

from pymaf_pl.losses.dense import DenseLoss
from pymaf_pl.losses.terms import Camera, Keypoints2D, Keypoints3D, Pose, Shape, Vertices
from pymaf_pl.losses.total import FeedbackLoss

__all__ = ["Camera", "DenseLoss", "FeedbackLoss", "Keypoints2D", "Keypoints3D", "Pose", "Shape", "Vertices"]
