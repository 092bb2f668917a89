"""Is a picture whole? Some decoders forgive a missing end, and none says that it is missing, so it is looked for."""

from pathlib import Path

from pymaf_pl.data.images import ImageArray, read_image
from pymaf_pl.errors import InputError

_TAIL = 4096  # bytes in which the end mark must be; some cameras append a little of their own


def open_image(path: Path) -> ImageArray:
    """Return the (H, W, 3) uint8 picture.

    Raises:
        InputError: it is missing, not a picture, or cut off.
    """
    if path.is_file():
        with path.open("rb") as stream:
            head = stream.read(4)
            stream.seek(max(0, path.stat().st_size - _TAIL))
            tail = stream.read()
        if (head[:2] == b"\xff\xd8" and b"\xff\xd9" not in tail) or (head == b"\x89PNG" and b"IEND" not in tail):
            raise InputError(f"{path}: cut off while copying: its end is missing")
    return read_image(path)
