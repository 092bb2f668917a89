"""How far to trust each joint, from how much the network disagrees with itself.

Where do I find ...
    what it disagrees with itself about     ``disagreement``  disagreement, mirrored_joints
    that as millimetres and a chance        ``calibration``   Calibration, read_calibration, write_calibration
    where the numbers come from, and proof  ``fitting``       fit_calibration, rank_correlation
    it as colour on a mesh                  ``colour``        vertex_colours
"""

from pymaf_pl.confidence.calibration import Calibration, Confidence, read_calibration, write_calibration
from pymaf_pl.confidence.colour import vertex_colours
from pymaf_pl.confidence.disagreement import disagreement, mirrored_joints

__all__ = [
    "Calibration",
    "Confidence",
    "disagreement",
    "mirrored_joints",
    "read_calibration",
    "vertex_colours",
    "write_calibration",
]
