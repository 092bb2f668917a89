"""Networks: an image to the bodies of a feedback loop.

``pymaf``       the loop itself, on one screen.
``variants``    PyMAF and HMR assembled from the parts below; what ``conf/model`` builds.
``backbone``, ``pyramid``    image to feature maps, coarse to fine.
``points``, ``evidence``     where an iteration reads the maps, and what it makes of it.
``regressor``   evidence and body to a better body.
``dense_head``  auxiliary dense correspondence.
"""

from pymaf_pl.models.pymaf import FeedbackNetwork
from pymaf_pl.models.variants import hmr, pymaf

__all__ = ["FeedbackNetwork", "hmr", "pymaf"]
