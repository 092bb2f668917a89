"""Where are the people? Boxes for photographs and videos that come without any.

``hog``          OpenCV's detector of upright pedestrians, which needs no download.
``faster_rcnn``  torchvision's, of people in any position, whose weights, 74 MB, are not part of any package.
``search``       one person, looked for with the network itself.
``finding``      which of them is asked, for a photo.
``people``       what a detector gives.
"""

from pymaf_pl.detection.faster_rcnn import TorchvisionDetector
from pymaf_pl.detection.finding import DETECTORS, find_boxes
from pymaf_pl.detection.hog import HogDetector
from pymaf_pl.detection.people import Detection, Detector, WholePicture

__all__ = ["DETECTORS", "Detection", "Detector", "HogDetector", "TorchvisionDetector", "WholePicture", "find_boxes"]
