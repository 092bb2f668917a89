"""The parametric body.

``model``        ``load_body("open" | "smpl")`` -> :class:`BodyModel`: surface, joints, labels, mean body.
``skinning``     exact skinning of any vertices and any linear combinations of vertices.
``joints``       joint sets by name: 49, 24, 17, 14, COCO; index maps and flips derived from the names.
``surface``      IUV atlas and 6-part labels, computed from the model.
``subset``       the 431 points of the feedback loop.
``mean``         the mean body.
``pose_prior``   which poses are likely: sampling and log likelihood.
``files``, ``smpl_pickle``   what lies on disk; pickles are read by a restricted unpickler.
"""

from pymaf_pl.body.model import BodyModel, BodyOutput, load_body

__all__ = ["BodyModel", "BodyOutput", "load_body"]
