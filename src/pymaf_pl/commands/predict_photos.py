"""Photos to meshes, overlays and a page."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from pymaf_pl.commands.boxes import read_boxes
from pymaf_pl.commands.predict_files import write_photo
from pymaf_pl.commands.predict_inputs import check_boxes, check_targets, unique_names
from pymaf_pl.data.images import ImageArray, read_image
from pymaf_pl.detection import Detector, HogDetector, TorchvisionDetector, WholePicture, find_boxes
from pymaf_pl.errors import InputError
from pymaf_pl.inference import Box, Predictor
from pymaf_pl.report import PersonView, write_page
from pymaf_pl.report.people import person_view

_MOST_SHOWN = 100  # people on the page, which holds all their meshes at once


def predict_photos(photos: Sequence[Path], options: argparse.Namespace) -> int:
    """Write the results of all photos that can be read; return 2 if some cannot, else 0.

    Raises:
        InputError: what concerns all of them: checkpoint, detector, boxes, folder.
    """
    boxes = read_boxes(options.boxes) if options.boxes else None
    if boxes is not None:
        check_boxes(boxes, photos, options.boxes)
    named = list(zip(photos, unique_names(photos), strict=True))
    check_targets([(path, options.out / f"{name}.png") for path, name in named])
    predictor = Predictor.from_checkpoint(options.checkpoint, options.body_dir, options.device, options.body)
    detector = make_detector(options) if boxes is None else None
    judged = wants_confidence(options, predictor)

    def where(path: Path, image: ImageArray) -> list[Box]:
        return find_boxes(predictor, image, detector) if boxes is None else boxes.get(path.name, [])

    people, views, problems = _predict_all(named, predictor, where, judged, options)
    for problem in problems:
        print(f"pymaf predict: {problem}", file=sys.stderr)
    done = len(photos) - len(problems)
    if done:
        page = _write_page(views, people, done, problems, predictor, options)
        Console().print(f"{people} people in {done} photos: {page}", soft_wrap=True)
    return 2 if problems else 0


def make_detector(options: argparse.Namespace) -> Detector:
    """Return the detector that is asked for.

    Raises:
        InputError: its weights cannot be had.
    """
    if options.detector == "torchvision":
        return TorchvisionDetector(options.detector_weights, options.device)
    return HogDetector() if options.detector == "hog" else WholePicture()


def wants_confidence(options: argparse.Namespace, predictor: Predictor) -> bool:
    """Tell whether to judge joints: as asked, and without a word wherever the model can.

    Raises:
        InputError: it is asked for and the model cannot.
    """
    if options.confidence and predictor.calibration is None:
        raise InputError(
            f"--confidence: {options.checkpoint} has no calibration; `pymaf checkpoint confidence` makes one"
        )
    return predictor.calibration is not None if options.confidence is None else options.confidence


def _predict_all(
    named: Sequence[tuple[Path, str]],
    predictor: Predictor,
    where: Callable[[Path, ImageArray], list[Box]],
    judged: bool,
    options: argparse.Namespace,
) -> tuple[int, list[PersonView], list[str]]:
    """Return how many people there are, the cards of the page, and one line for each photo that cannot be read."""
    count = 0
    views: list[PersonView] = []
    problems: list[str] = []
    for path, name in track(named, "predicting", transient=True):
        try:
            image = read_image(path)
        except InputError as error:
            problems.append(str(error))
            continue
        people = predictor.predict(image, where(path, image), options.focal_length, confidence=judged)
        options.out.mkdir(parents=True, exist_ok=True)
        write_photo(options.out, name, image, people, predictor.body)
        count += len(people)
        for number, person in enumerate(people[: max(0, _MOST_SHOWN - len(views))]):
            label = name if len(people) == 1 else f"{name}, person {number}"
            views.append(person_view(label, person.picture, person.states, predictor.body, caption=str(path)))
    return count, views, problems


def _write_page(
    views: Sequence[PersonView],
    people: int,
    photos: int,
    problems: Sequence[str],
    predictor: Predictor,
    options: argparse.Namespace,
) -> Path:
    shown = [f"The first {len(views)} people; the others have their files alone."] if people > len(views) else []
    return write_page(
        options.out / "index.html",
        title="Predictions",
        facts={
            "Checkpoint": Path(options.checkpoint).name,
            "Photos": str(photos),
            "People": str(people),
            "Body": predictor.body.name,
            "Iterations": str(predictor.network.num_iterations),
        },
        iterations=[],
        people=views,
        faces=predictor.body.faces.cpu().numpy(),
        notes=[*shown, *(f"Left out: {problem}" for problem in problems)],
    )
