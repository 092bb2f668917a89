import builtins
from collections.abc import Sequence

import numpy as np
import pytest

from pymaf_pl.errors import InputError
from pymaf_pl.motion import NOBODY, Tracker


def passing(frames: int, seed: int = 0) -> list[tuple[np.ndarray, list[int]]]:
    """Boxes of two who pass each other, the farther one unseen meanwhile; noisy, some missing, in random order."""
    rng = np.random.default_rng(seed)
    film = []
    for frame in range(frames):
        near, far = 20 + 3.0 * frame, 400 - 3.0 * frame
        boxes = []
        for person, (x, tall) in enumerate(((near, 120), (far, 95))):
            hidden = person == 1 and abs(near - far) < 35
            if hidden or rng.uniform() < 0.08:
                continue
            boxes.append((person, np.array([x, 140 - tall, x + 0.45 * tall, 140]) + rng.normal(size=4) * 2))
        rng.shuffle(boxes)
        film.append((np.array([box for _, box in boxes]).reshape(-1, 4), [person for person, _ in boxes]))
    return film


def follow(film: Sequence[tuple[np.ndarray, list[int]]]) -> dict[int, set[int]]:
    tracker, who = Tracker(frame_rate=25), {0: set(), 1: set()}  # type: ignore[var-annotated]
    for boxes, people in film:
        for person, number in zip(people, tracker.update(boxes, np.full(len(boxes), 0.9)).tolist(), strict=True):
            if number != NOBODY:
                who[person].add(number)
    return who


@pytest.mark.parametrize("seed", range(5))
def test_two_who_pass_each_other_keep_their_numbers(seed: int) -> None:
    assert sorted(map(sorted, follow(passing(120, seed)).values())) == [[0], [1]]


def test_the_same_boxes_give_the_same_numbers() -> None:
    assert follow(passing(120)) == follow(passing(120))


def test_who_is_away_for_long_comes_back_as_somebody_new() -> None:
    tracker, box = Tracker(frame_rate=10, patience=1.0), np.array([[10.0, 10, 50, 110]])
    numbers = [tracker.update(box, [0.9])[0] for _ in range(5)]
    for _ in range(30):
        assert tracker.update(np.zeros((0, 4)), []).shape == (0,)
    numbers += [tracker.update(box, [0.9])[0] for _ in range(5)]
    assert {0, 1} <= set(numbers)
    assert numbers[-1] == 1


def test_without_the_library_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == "trackforge":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"pip install 'pymaf-pl\[video\]'"):
        Tracker(25)
