"""From a photo to its people's boxes: the detector's, or else the network's own."""

from pymaf_pl.data.images import ImageArray
from pymaf_pl.detection.hog import HogDetector
from pymaf_pl.detection.people import Detector
from pymaf_pl.detection.search import search_body
from pymaf_pl.inference import Box, Predictor

DETECTORS = ("hog", "torchvision", "none")


def find_boxes(predictor: Predictor, image: ImageArray, detector: Detector | None = None) -> list[Box]:
    """Return the boxes of a photo's people, at least one.

    Args:
        predictor: whose network looks for one person where the detector finds nobody.
        image: (H, W, 3) uint8 RGB.
        detector: by default OpenCV's.
    """
    people = (detector or HogDetector())([image])[0]
    if people:
        return [person.box for person in people]
    return [search_body(predictor, image) or Box.whole_image(image)]
