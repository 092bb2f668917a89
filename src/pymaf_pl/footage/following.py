"""Consecutive frames in, a smoothed body for everybody in them out. The same for files and cameras."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from scipy.spatial.transform import Rotation

from pymaf_pl.data.images import warp_crop
from pymaf_pl.detection import Detection, Detector
from pymaf_pl.footage.store import Columns, Record
from pymaf_pl.geometry.camera import crop_to_image_translation
from pymaf_pl.geometry.crop import crop_affine
from pymaf_pl.geometry.rotation import rotmat_from_6d
from pymaf_pl.inference import Box, Predictor
from pymaf_pl.motion import NOBODY, Estimate, PersonSmoother, Smoothing, Tracker
from pymaf_pl.types import BodyState
from pymaf_pl.video import Frame, Timing

FloatArray = npt.NDArray[np.floating[Any]]
LEAST_SECONDS = 0.3
"""Whoever is seen for less was most likely nobody."""
_REMEMBER = 5.0  # seconds after which somebody who left is forgotten; the tracker forgets earlier


class Sighting(NamedTuple):
    """Somebody in a frame, before the network has looked: ``person`` is known, or for the tracker to say (None)."""

    detection: Detection
    person: int | None = None


class Finder(Protocol):
    """Frames in, who is seen in each out."""

    def __call__(self, frames: Sequence[Frame]) -> list[list[Sighting]]:
        """Look for people."""
        ...


def finder_of(detector: Detector) -> Finder:
    """Let a detector of people in pictures look at frames."""

    def find(frames: Sequence[Frame]) -> list[list[Sighting]]:
        return [[Sighting(found) for found in people] for people in detector([frame.image for frame in frames])]

    return find


class Body(NamedTuple):
    """Somebody in a frame, followed and smoothed."""

    person: int
    estimate: Estimate


@dataclass(frozen=True)
class Looks:
    """What the network says about the sightings of a batch of frames, in their order."""

    crops: npt.NDArray[np.uint8]
    states: tuple[BodyState, ...]
    rotmat: FloatArray
    transl: FloatArray
    chance: FloatArray | None


class Follower:
    """Find, tell apart, regress, smooth.

    Args:
        predictor: the network.
        finder: where people are.
        timing: of the video.
        smoothing: None for none.
        focal_length: px of the frames.
        confidence: also judge every joint, at the price of a second look.
    """

    def __init__(
        self,
        predictor: Predictor,
        finder: Finder,
        timing: Timing,
        smoothing: Smoothing | None,
        focal_length: float,
        confidence: bool = False,
    ) -> None:
        self.predictor, self.finder, self.timing = predictor, finder, timing
        self.smoothing, self.focal_length, self.confidence = smoothing, focal_length, confidence
        self.least_frames = max(2, round(LEAST_SECONDS * float(timing.rate)))
        self._tracker: Tracker | None = None
        self._people: dict[int, PersonSmoother] = {}
        self._seen: dict[int, int] = {}

    def follow(self, frames: Sequence[Frame], record: Record) -> list[list[Body]]:
        """Take the next frames; write down what is found; return the bodies of each frame."""
        sightings = self._tell_apart(frames, self.finder(frames), record)
        looks = self._look(frames, sightings) if sightings else None
        bodies: list[list[Body]] = [[] for _ in frames]
        for number, (place, box, person) in enumerate(sightings):
            assert looks is not None
            frame, raw = frames[place], _estimate(looks, number)
            smoother = self._people.setdefault(person, PersonSmoother(self.smoothing))
            smoothed = smoother(raw, self.timing.seconds(frame.pts))
            bodies[place].append(Body(person, smoothed))
            self._write_down(record, frame, person, box, raw, smoothed, looks, number)
        for frame in frames:
            record.add("frame", index=frame.index, pts=frame.pts)
        self._forget(self.timing.seconds(frames[-1].pts))
        return bodies

    def remember(self, record: Record) -> None:
        """Write down what the next frames need to know, at the end of a piece."""
        for person, smoother in self._people.items():
            record.add("memory", person=person, state=smoother.pack())

    def recall(self, pieces: Iterable[Columns]) -> Frame | None:
        """Go on behind finished pieces (tables frame, detection, row, memory); return their last frame, pictureless."""
        last = None
        for columns in pieces:
            found: dict[int, list[FloatArray]] = {}
            if "detection.frame" in columns:
                rows = np.concatenate([columns["detection.corners"], columns["detection.score"][:, None]], axis=1)
                for index, row in zip(columns["detection.frame"].tolist(), rows, strict=True):
                    found.setdefault(index, []).append(row)
            for index in columns["frame.index"].tolist():
                self._track(np.array(found.get(index, [])))
            for person in columns.get("row.person", np.zeros(0, np.int64)).tolist():
                self._seen[person] = self._seen.get(person, 0) + 1
            memory = zip(columns.get("memory.person", []), columns.get("memory.state", []), strict=True)
            self._people = {int(p): PersonSmoother.unpack(state, self.smoothing) for p, state in memory}
            index, pts = int(columns["frame.index"][-1]), int(columns["frame.pts"][-1])
            last = Frame(index, pts, np.zeros((0, 0, 3), np.uint8))
        return last

    def _tell_apart(
        self, frames: Sequence[Frame], found: list[list[Sighting]], record: Record
    ) -> list[tuple[int, Box, int]]:
        """Return (place of the frame, box, person) of all who are known by number."""
        known: list[tuple[int, Box, int]] = []
        for place, (frame, sightings) in enumerate(zip(frames, found, strict=True)):
            unknown = [sighting.detection for sighting in sightings if sighting.person is None]
            known += [(place, s.detection.box, s.person) for s in sightings if s.person is not None]
            # square boxes overlap from frame to frame even when somebody narrow walks fast
            rows = [(*Detection.around(detection.box)[:4], detection.score) for detection in unknown]
            for row in rows:
                record.add("detection", frame=frame.index, corners=np.array(row[:4]), score=row[4])
            people = self._track(np.array(rows, np.float64))
            known += [(place, d.box, p) for d, p in zip(unknown, people.tolist(), strict=True) if p != NOBODY]
        return known

    def _track(self, rows: FloatArray) -> npt.NDArray[np.int64]:
        """Let the tracker see a frame's (D, 5) detections; it begins with the first, and then counts every frame."""
        if self._tracker is None:
            if not len(rows):
                return np.zeros(0, np.int64)
            self._tracker = Tracker(float(self.timing.rate))
        rows = rows.reshape(-1, 5)
        return self._tracker.update(rows[:, :4], rows[:, 4])

    @torch.inference_mode()
    def _look(self, frames: Sequence[Frame], sightings: Sequence[tuple[int, Box, int]]) -> Looks:
        size = self.predictor.image_size
        crops = np.stack(
            [
                warp_crop(frames[place].image, crop_affine(box.center, box.size, size), size)
                for place, box, _ in sightings
            ]
        )
        states = self.predictor.regress(crops)
        last, height, width = states[-1], *frames[0].image.shape[:2]
        boxes = last.weak_cam.new_tensor([[*box.center, box.size] for _, box, _ in sightings])
        transl = crop_to_image_translation(
            last.weak_cam,
            boxes[:, :2],
            boxes[:, 2],
            boxes.new_tensor([width, height]),
            boxes.new_tensor(self.focal_length),
        )
        chance = self.predictor.judge(crops, states).chance if self.confidence else None
        rotmat = rotmat_from_6d(last.pose_6d.float()).cpu().numpy()
        return Looks(crops, states, rotmat, transl.cpu().numpy(), chance)

    def _write_down(
        self,
        record: Record,
        frame: Frame,
        person: int,
        box: Box,
        raw: Estimate,
        smoothed: Estimate,
        looks: Looks,
        number: int,
    ) -> None:
        judged = {} if looks.chance is None else {"confidence": looks.chance[number]}
        record.add(
            "row",
            frame=frame.index,
            pts=frame.pts,
            person=person,
            box=np.array([*box.center, box.size], np.float32),
            pose=_rotvec(smoothed.rotmat),
            raw_pose=_rotvec(raw.rotmat),
            betas=raw.betas.astype(np.float32),
            transl=smoothed.transl.astype(np.float32),
            raw_transl=raw.transl.astype(np.float32),
            **judged,
        )
        self._seen[person] = self._seen.get(person, 0) + 1
        if self._seen[person] == self.least_frames:
            states = np.stack([state[number : number + 1].vector()[0].cpu().numpy() for state in looks.states])
            record.add("portrait", person=person, crop=looks.crops[number], states=states)

    def _forget(self, now: float) -> None:
        self._people = {p: smoother for p, smoother in self._people.items() if now - smoother.time < _REMEMBER}


def _estimate(looks: Looks, number: int) -> Estimate:
    betas = looks.states[-1].betas[number].cpu().numpy().astype(np.float64)
    return Estimate(looks.rotmat[number].astype(np.float64), betas, looks.transl[number].astype(np.float64))


def _rotvec(rotmat: FloatArray) -> npt.NDArray[np.float32]:
    return Rotation.from_matrix(rotmat).as_rotvec().astype(np.float32)
