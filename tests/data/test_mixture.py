"""The order of samples: weighted, without repetition, the same on every machine, and open at any position."""

import itertools
import time
from collections import Counter

import numpy as np
import pytest

from pymaf_pl.data.mixture import CurriculumSampler, Stage, check_sources, members_of, shares_of, stage_of_epoch
from pymaf_pl.data.passes import Passes
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
    assert drawn["b"] == 5_000  # to the sample
    assert {key.source for key in sampler().order(epoch=1)} == {"a"}


def test_a_source_of_weight_zero_never_comes() -> None:
    order = CurriculumSampler([Stage("x", 1, {"a": 1.0, "b": 0.0})], LENGTHS, 500).order(0)
    assert {key.source for key in order} == {"a"}


def test_no_row_comes_twice_before_all_have_come_across_epochs_and_stages() -> None:
    drawn: dict[str, list[int]] = {name: [] for name in LENGTHS}
    for epoch in range(7):  # from the first stage into the second and beyond its end
        for key in sampler(170).order(epoch):
            drawn[key.source].append(key.row)
    assert [len(drawn[name]) % LENGTHS[name] != 0 for name in "ab"] == [True, True]  # passes end inside of epochs
    for source, rows in drawn.items():
        for start in range(0, len(rows), LENGTHS[source]):
            one_pass = rows[start : start + LENGTHS[source]]
            assert len(set(one_pass)) == len(one_pass)
            assert set(one_pass) <= set(range(LENGTHS[source]))
    passes = [drawn["a"][start : start + 400] for start in (0, 400)]
    assert sorted(passes[0]) == sorted(passes[1]) == list(range(400))
    assert passes[0] != passes[1]


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


@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_a_step_takes_the_same_people_over_any_number_of_processes(processes: int) -> None:
    """A step of 12 people: each process takes its share of them, in one batch or in several that it gathers."""
    options = {"lengths": {"a": 60, "b": 50}, "samples_per_epoch": 60, "seed": 3}
    stages = [Stage("first", 1, {"a": 1.0}), Stage("second", 1, {"a": 0.4, "b": 0.6})]
    whole = CurriculumSampler(stages, **options)
    ranks = [CurriculumSampler(stages, **options, rank=rank, world_size=processes) for rank in range(processes)]
    share = 12 // processes
    for _ in stages:
        expected, shares = list(whole), [list(sampler) for sampler in ranks]
        assert len(expected) == 60
        for step in range(5):
            taken = [key for keys in shares for key in keys[step * share : (step + 1) * share]]
            assert sorted(taken) == sorted(expected[step * 12 : (step + 1) * 12])


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


def test_a_stage_may_have_epochs_of_its_own_length() -> None:
    stages = [Stage("a", 2, {"a": 1.0}, samples=70), Stage("b", 1, {"a": 1.0}), Stage("c", 1, {"b": 1.0}, samples=41)]
    samples = CurriculumSampler(stages, LENGTHS, 100, world_size=2)
    lengths = []
    for _ in range(5):
        lengths.append((len(samples), len(list(samples))))
    assert lengths == [(35, 35), (35, 35), (50, 50), (20, 20), (20, 20)]
    with pytest.raises(InputError, match="stage 'x' has samples=0; an epoch needs at least 1"):
        Stage("x", 1, {"a": 1.0}, samples=0)


def test_whoever_keeps_count_is_asked_at_every_iteration() -> None:
    positions = iter([(2, 5), (2, 0), (0, 0)])
    samples = CurriculumSampler(STAGES, LENGTHS, 20, position=lambda: next(positions))
    assert list(samples) == sampler(20).order(2)[5:]
    assert list(samples) == sampler(20).order(2)
    assert list(samples) == sampler(20).order(0)


SIZES = {"h36m": 312_188, "lsp": 1_000, "mpii": 14_810, "lspet": 9_428, "coco": 28_344, "mpi": 96_507}
WILD = {"wild": ["lsp", "mpii", "lspet", "coco"]}
PAPER = {"h36m": 0.3, "wild": 0.6, "mpi": 0.1}  # PyMAF datasets/mixed_dataset.py


def test_a_group_shares_its_weight_by_size() -> None:
    shares = shares_of(PAPER, WILD, SIZES)
    assert sum(shares.values()) == pytest.approx(1)
    expected = {"lsp": 0.0112, "mpii": 0.1658, "lspet": 0.1056, "coco": 0.3174, "h36m": 0.3, "mpi": 0.1}
    assert shares == pytest.approx(expected, abs=5e-5)
    both = shares_of({"wild": 1.0, "lsp": 1.0, "coco": 0.0}, WILD, SIZES)  # a member may have a weight of its own too
    assert both["lsp"] == pytest.approx(0.5 + 0.5 * 1_000 / 53_582)
    assert "mpi" not in both
    assert members_of({"wild": 0.0, "h36m": 2.0}, WILD) == ["h36m"]


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"wild": ["lsp", "coc"]}, "'wild' holds 'coc'; the sources are"),
        ({"lsp": ["coco"]}, "'lsp' is also a source"),
        ({"wild": []}, "'wild' has no members"),
    ],
)
def test_a_wrong_group_is_one_line(groups: dict[str, list[str]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_sources([Stage("x", 1, {"lsp": 1.0})], SIZES, groups)


def test_an_unknown_name_is_answered_with_the_groups_too() -> None:
    with pytest.raises(InputError, match=r"mixes in 'wld'; the sources are coco, .*, the groups wild"):
        check_sources([Stage("x", 1, {"wld": 1.0})], SIZES, WILD)


def test_two_weeks_of_steps_match_the_shares_and_cover_every_row_evenly() -> None:
    """585,000 steps of 64, the paper's training: counted from what epochs are made of, and seen on a few whole ones."""
    stages = [Stage("h36m", 60, {"h36m": 1.0}), Stage("mixture", 60, PAPER)]
    samples = CurriculumSampler(stages, SIZES, 312_188, groups=WILD, seed=3)
    shares = shares_of(PAPER, WILD, SIZES)
    seen = {name: np.zeros(length, np.int64) for name, length in SIZES.items()}
    total, epochs = 0, range(60, 60 + 4)
    for epoch in epochs:
        names, sources, rows = samples.draw(epoch)
        total += len(sources)
        for i, name in enumerate(names):
            np.add.at(seen[name], rows[sources == i], 1)
    for name, counts in seen.items():
        assert counts.sum() / total == pytest.approx(shares[name], rel=1e-3)  # 0.5 % is asked for
        # a pass was under way when we came and another when we left
        assert counts.max() - counts.min() <= 2
    assert seen["lsp"].min() >= 13  # four epochs see each of the 1,000 rows 14 times
    # all 585,000 steps: 120 epochs, without drawing them
    whole = samples._seen(1, 60)
    for name, share in shares.items():
        expected = 60 * 312_188 * (share + (name == "h36m"))
        assert whole[name] == pytest.approx(expected, rel=1e-5)


@pytest.mark.slow
def test_all_of_two_weeks_of_steps_drawn_one_by_one() -> None:
    """The same training, all 37,462,560 samples of it."""
    stages = [Stage("h36m", 60, {"h36m": 1.0}), Stage("mixture", 60, PAPER)]
    samples = CurriculumSampler(stages, SIZES, 312_188, groups=WILD, seed=3)
    alone = {name: np.zeros(length, np.int64) for name, length in SIZES.items()}
    mixed = {name: np.zeros(length, np.int64) for name, length in SIZES.items()}
    for epoch in range(120):
        names, sources, rows = samples.draw(epoch)
        for i, name in enumerate(names):
            (alone if epoch < 60 else mixed)[name] += np.bincount(rows[sources == i], minlength=SIZES[name])
    assert alone["h36m"].tolist() == [60] * SIZES["h36m"]
    assert sum(counts.sum() for counts in mixed.values()) == 60 * 312_188
    for name, share in shares_of(PAPER, WILD, SIZES).items():
        assert mixed[name].sum() / (60 * 312_188) == pytest.approx(share, rel=1e-5)
        assert mixed[name].max() - mixed[name].min() <= 1  # no row of any source twice more often than another
    assert [int(mixed[name].min()) for name in WILD["wild"]] == [209] * 4  # 60 epochs x 312,188 x 0.6 / 53,582 rows
    # whoever comes later, with the same seed, draws the same; another seed and every other process draw something else
    for epoch in (0, 59, 60, 119):
        first = samples.draw(epoch)
        again = CurriculumSampler(stages, SIZES, 312_188, groups=WILD, seed=3).draw(epoch)
        other = CurriculumSampler(stages, SIZES, 312_188, groups=WILD, seed=4).draw(epoch)
        assert all(np.array_equal(a, b) for a, b in zip(first[1:], again[1:], strict=True))
        assert np.mean(first[2] == other[2]) < 0.01
    ranks = [CurriculumSampler(stages, SIZES, 312_188, 3, rank, 4, 60, groups=WILD) for rank in range(4)]
    shares = [list(rank) for rank in ranks]
    assert sorted(key.position for share in shares for key in share) == list(range(312_188))
    for a, b in itertools.combinations(shares, 2):
        assert np.mean([x[2:] == y[2:] for x, y in zip(a, b, strict=True)]) < 0.01


def test_a_batch_is_mixed_as_an_epoch_is() -> None:
    samples = CurriculumSampler([Stage("x", 1, PAPER)], SIZES, 312_188, groups=WILD)
    names, sources, _ = samples.draw(0)
    batches = sources[: len(sources) // 64 * 64].reshape(-1, 64)
    from_h36m = (batches == names.index("h36m")).sum(axis=1)
    assert from_h36m.mean() == pytest.approx(0.3 * 64, rel=1e-3)
    assert from_h36m.std() == pytest.approx((64 * 0.3 * 0.7) ** 0.5, rel=0.05)  # as for independent draws


def test_a_far_epoch_is_as_quick_as_a_near_one_and_the_same_whoever_asks() -> None:
    stages = [Stage("x", 10, {"a": 1.0}), Stage("y", 10_000, {"a": 2.0, "b": 1.0})]
    far = CurriculumSampler(stages, LENGTHS, 90, first_epoch=9_000)
    begin = time.perf_counter()
    keys = list(far)
    assert time.perf_counter() - begin < 0.5
    assert keys == CurriculumSampler(stages, LENGTHS, 90).order(9_000)


def test_an_epoch_of_300_000_from_700_000_rows_is_drawn_at_once() -> None:
    sizes = {"big": 500_000, "small": 200_000}
    samples = CurriculumSampler([Stage("x", 100, {"big": 1.0, "small": 2.0})], sizes, 300_000)
    begin = time.process_time()
    samples.draw(57)
    assert time.process_time() - begin < 0.5


def test_passes_are_shuffled_by_seed_and_name() -> None:
    rows = Passes("a", 50, seed=1).rows(0, 150).reshape(3, 50)
    assert all(sorted(one.tolist()) == list(range(50)) for one in rows)
    assert len({tuple(one) for one in rows.tolist()}) == 3
    other = [Passes("b", 50, 1).rows(0, 50).tolist(), Passes("a", 50, 2).rows(0, 50).tolist()]
    assert rows[0].tolist() not in other
    assert Passes("a", 50, 1).rows(130, 45).tolist() == Passes("a", 50, 1).rows(0, 200)[130:175].tolist()
    assert len(Passes("a", 50, 1).rows(50, 0)) == 0
