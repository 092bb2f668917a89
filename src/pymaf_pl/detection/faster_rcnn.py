"""torchvision's Faster R-CNN: people in any position, with weights that are part of no package."""

from collections.abc import Sequence
from pathlib import Path

import torch

from pymaf_pl.data.images import ImageArray
from pymaf_pl.detection.people import Detection
from pymaf_pl.errors import InputError

WEIGHTS_URL = "https://download.pytorch.org/models/fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth"
_LEAST_CHANCE = 0.7  # that it is a person
_COCO_PERSON = 1


class TorchvisionDetector:
    """torchvision's Faster R-CNN with MobileNetV3, trained on COCO.

    Args:
        weights: its file; None to take torch's cache, or to download it into that.
        device: where to run.
        batch_size: images at a time.

    Raises:
        InputError: the weights cannot be had, with where to get and where to put them, or are something else.
    """

    def __init__(self, weights: Path | None = None, device: str | torch.device = "cpu", batch_size: int = 8) -> None:
        from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

        state = _fetch() if weights is None else _read(weights)
        self._network = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None)
        try:
            self._network.load_state_dict(state)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()[:120]
            raise InputError(
                f"{weights or WEIGHTS_URL}: not the weights of torchvision's detector ({reason})"
            ) from None
        self._device, self._batch_size = torch.device(device), batch_size
        self._network.eval().to(self._device)

    @torch.inference_mode()
    def __call__(self, images: Sequence[ImageArray]) -> list[list[Detection]]:
        """Look for people, some images at a time."""
        people = []
        for start in range(0, len(images), self._batch_size):
            pixels = [
                torch.from_numpy(image).permute(2, 0, 1).to(self._device).float() / 255
                for image in images[start : start + self._batch_size]
            ]
            for found in self._network(pixels):
                wanted = (found["labels"] == _COCO_PERSON) & (found["scores"] > _LEAST_CHANCE)
                rows = torch.cat([found["boxes"], found["scores"][:, None]], dim=1)[wanted]
                people.append([Detection(*row) for row in rows.cpu().tolist()])
        return people


def _fetch() -> dict[str, torch.Tensor]:
    """Return the weights from torch's cache, or from where torchvision keeps them."""
    cache = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS_URL.rsplit("/", 1)[1]
    if cache.is_file():
        return _read(cache)
    try:
        return torch.hub.load_state_dict_from_url(
            WEIGHTS_URL, map_location="cpu", progress=False, check_hash=True, weights_only=True
        )
    except Exception as error:  # no network, a proxy, a broken download: many kinds
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"--detector torchvision: its weights cannot be downloaded here ({reason}); get {WEIGHTS_URL} elsewhere "
            f"and put it at {cache}, or give it as --detector-weights FILE, or take --detector hog, which needs none"
        ) from None


def _read(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise InputError(f"{path}: no such file of weights; torchvision's are at {WEIGHTS_URL}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load fails in many ways on what is not a file of weights
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise InputError(f"{path}: not a readable file of weights ({reason})") from None
    if not isinstance(state, dict):
        raise InputError(f"{path}: it holds a {type(state).__name__}, not named weights")
    return state
