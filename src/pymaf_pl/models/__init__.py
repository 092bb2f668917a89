"""Networks: an image to the bodies of a feedback loop.

``pymaf``       the loop itself, on one screen.
``variants``    PyMAF and HMR assembled from the parts below; what ``conf/model`` builds.
``backbone``, ``timm_backbone``, ``pretrained``    image to maps, and the weights to start from.
``pyramid``     those to the maps that are read, coarse to fine.
``feedback``    what each iteration gets to see, out of ``points``, ``evidence`` and ``attention``.
``regressor``, ``pose_code``    evidence and body to a better body, in 6D or axis-angle.
``pose_filter``  a regressed pose, weighed against how people hold themselves.
``dense_head``  auxiliary dense correspondence.
``maps``        what backbones and pyramids promise each other.
"""

from pymaf_pl.models.pymaf import FeedbackNetwork
from pymaf_pl.models.variants import hmr, pymaf

__all__ = ["FeedbackNetwork", "hmr", "pymaf"]
