"""The order of samples: weighted, without repetition, the same on every machine, and open at any position."""

from collections import Counter

import numpy as np
import pytest

from pymaf_pl.data.mixture import CurriculumSampler, Stage, stage_of_epoch
from pymaf_pl.errors import InputError

STAGES = [Stage("first", 2, {"a": 1.0}), Stage("second", 3, {"a": 3.0, "b": 1.0})]
LENGTHS = {"a": 400, "b": 30, "c": 5}


def sampler(count: int = 1000, **options: int) -> CurriculumSampler:
    return CurriculumSampler(STAGES, LENGTHS, count, **options)


def test_stages_follow_each_other_and_the_last_goes_on() -> None:
    names = [stage_of_epoch(STAGES, epoch).name for epoch in range(7)]
    assert names == ["first"] * 2 + ["second"] * 5


@pytest.mark.parametrize("mix", [{}, {"a": 0.0}, {"a": 1.0, "b": -0.1}])
def test_a_mix_needs_positive_weights(mix: dict[str, float]) -> None:
    with pytest.raises(InputError, match="stage 'wild' needs a mix"):
        Stage("wild", 1, mix)


def test_a_stage_needs_an_epoch() -> None:
    with pytest.raises(InputError, match="stage 'wild' lasts 0 epochs"):
        Stage("wild", 0, {"a": 1.0})


def test_an_unknown_source_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"stage 'x' mixes in 'coco'; the sources are a, b, c"):
        CurriculumSampler([Stage("x", 1, {"coco": 1.0})], LENGTHS, 10)


def test_sources_come_by_their_weights() -> None:
    drawn = Counter(key.source for key in sampler(20_000).order(epoch=2))
    assert set(drawn) == {"a", "b"}
    assert drawn["b"] / 20_000 == pytest.approx(0.25, abs=0.01)  # three deviations are 0.009
    assert {key.source for key in sampler().order(epoch=1)} == {"a"}


def test_a_source_of_weight_zero_never_comes() -> None:
    order = CurriculumSampler([Stage("x", 1, {"a": 1.0, "b": 0.0})], LENGTHS, 500).order(0)
    assert {key.source for key in order} == {"a"}


def test_no_row_comes_twice_before_all_have_come() -> None:
    order = sampler(1000).order(epoch=3)
    for source, length in LENGTHS.items():
        rows = [key.row for key in order if key.source == source]
        for start in range(0, len(rows), length):
            one_pass = rows[start : start + length]
            assert len(set(one_pass)) == len(one_pass)
            assert all(0 <= row < length for row in one_pass)
    counts = Counter(key.row for key in order if key.source == "b")
    assert max(counts.values()) - min(counts.get(row, 0) for row in range(30)) <= 1


def test_rows_are_shuffled_anew_in_every_epoch_and_for_every_seed() -> None:
    first = [key.row for key in sampler().order(0)]
    assert first != sorted(first)
    assert first != [key.row for key in sampler().order(1)]
    assert first != [key.row for key in sampler(seed=1).order(0)]
    assert first == [key.row for key in sampler().order(0)]


def test_keys_say_where_they_stand() -> None:
    order = sampler(50).order(epoch=4)
    assert [key.position for key in order] == list(range(50))
    assert {key.epoch for key in order} == {4}


def test_every_iteration_is_the_next_epoch() -> None:
    samples = sampler(100)
    for epoch in range(3):
        assert list(samples) == sampler(100).order(epoch)
        assert len(samples) == 100


@pytest.mark.parametrize(("count", "world"), [(100, 2), (103, 4), (7, 3)])
def test_ranks_share_the_order_out_evenly(count: int, world: int) -> None:
    shares = [list(CurriculumSampler(STAGES, LENGTHS, count, rank=r, world_size=world)) for r in range(world)]
    assert {len(share) for share in shares} == {count // world}
    everything = sorted((key for share in shares for key in share), key=lambda key: key.position)
    assert everything == CurriculumSampler(STAGES, LENGTHS, count, world_size=world).order(0)
    # step by step the ranks together read the order from its start: a resumed run finds nothing left behind
    for step in range(count // world):
        assert {share[step].position for share in shares} == set(range(step * world, (step + 1) * world))


@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize("skip", [0, 1, 37, 50])
def test_skipping_goes_on_at_exactly_the_next_sample(skip: int, world: int) -> None:
    whole = CurriculumSampler(STAGES, LENGTHS, 50 * world, rank=world - 1, world_size=world)
    epochs = [list(whole) for _ in range(4)]
    resumed = CurriculumSampler(STAGES, LENGTHS, 50 * world, rank=world - 1, world_size=world, first_epoch=2, skip=skip)
    assert list(resumed) == epochs[2][skip:]
    assert list(resumed) == epochs[3]  # only the first epoch is cut


def test_the_first_samples_are_no_longer_sorted_by_source() -> None:
    sources = [key.source for key in sampler(1000).order(epoch=2)]
    changes = np.count_nonzero(np.array(sources[1:]) != np.array(sources[:-1]))
    assert changes == pytest.approx(2 * 0.25 * 0.75 * 999, rel=0.15)  # as for independent draws
