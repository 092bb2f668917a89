"""Which rows of a table are consecutive frames of one video."""

import re
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt


def tracks(imgname: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """Number the runs of rows whose pictures lie in one folder and whose last number grows by one.

    A table in SPIN's format holds a person's frames one after another, so that another person, another video and a gap
    in the labels all end a run.

    Args:
        imgname: (N,) paths such as ``downtown_walking/image_00041.jpg``.

    Returns:
        (N,) the number of each row's run; rows whose name holds no number are runs of their own.
    """
    run, before = np.empty(len(imgname), np.int64), ("", -2)
    number = -1
    for row, name in enumerate(imgname.tolist()):
        path = PurePosixPath(name)
        digits = re.findall(r"\d+", path.stem)
        here = (f"{path.parent}/{re.sub(r'[0-9]+$', '', path.stem)}", int(digits[-1]) if digits else -2)
        if not digits or here != (before[0], before[1] + 1):
            number += 1
        run[row], before = number, here
    return run
