"""The smaller kernels of bursar.allocate against closed forms and brute force."""

import itertools

import numpy as np
import pytest

import bursar
from bursar import allocate


def test_water_is_filled_until_one_more_unit_is_worth_the_same_everywhere():
    c, a = np.array([5.0, 20.0, 60.0]), np.array([0.5, 1.0, 2.0])
    filled = allocate.water_filling("power", c, a, 300)
    slopes = a * c * filled.amounts ** (-a - 1)
    assert slopes == pytest.approx([filled.price] * 3, rel=1e-9) and filled.amounts.sum() == pytest.approx(300)
    assert filled.value == pytest.approx(-(c * filled.amounts**-a).sum()) and filled.value <= filled.bound
    log = allocate.water_filling("log", [1.0, 1.0], [1.0, 1.0], 10, costs=[1.0, 2.0], ceilings=[4.0, np.inf])
    assert log.amounts == pytest.approx([4.0, 3.0])
    assert allocate.water_filling(["log", "saturating"], [1.0, 1.0], [1.0, 1.0], 3.0).spent == pytest.approx(3)


def test_whole_units_are_the_best_of_all_whole_splits():
    weight, shape = [5.0, 20.0, 60.0], [0.5, 1.0, 2.0]
    got = allocate.water_filling_units("power", weight, shape, 20)
    worth = {split: -sum(c * n**-a for c, a, n in zip(weight, shape, split))
             for split in itertools.product(range(1, 19), repeat=3) if sum(split) == 20}
    assert tuple(got.units) == max(worth, key=worth.get)


def test_units_go_where_they_gain_most_and_growing_gains_are_solved_exactly():
    random = np.random.default_rng(3)
    for grows in (False, True):
        gains = random.random((3, 6))
        gains = np.ascontiguousarray(gains if grows else np.sort(gains, axis=1)[:, ::-1])
        got = allocate.split_units(gains, 8, look_ahead=True)
        worth = np.concatenate([np.zeros((3, 1)), gains.cumsum(axis=1)], axis=1)
        best = max(sum(worth[i, n] for i, n in enumerate(split)) for split in itertools.product(range(7), repeat=3)
                   if sum(split) <= 8)
        assert got.gained == pytest.approx(best) and got.units.sum() <= 8
        assert (got.grows is not None) == grows
    floors = allocate.split_units(np.ones((2, 4)), 5, floors=[0, 3], ceilings=[1, 4])
    assert floors.units.tolist() == [1, 4] and floors.bound == pytest.approx(floors.gained)


def test_curves_are_learned_from_pilots():
    units = np.array([50.0, 100, 200, 400, 800])
    fit = allocate.fit_response(units, 0.9 - 2 * units**-0.5, family="power")
    assert (fit.level, fit.gain, fit.shape) == pytest.approx((0.9, 2, 0.5), rel=1e-3) and fit.family == "power"
    assert fit.predict(1600)[0] == pytest.approx(0.9 - 2 / 40, rel=1e-4) and fit.r_squared > 0.999
    plan = allocate.plan_responses([fit, fit], 1000.0, costs=[1.0, 1.0])
    assert plan.amounts == pytest.approx([500, 500], rel=1e-6) and plan.spent == pytest.approx(1000)


def test_rollouts_tokens_and_directions():
    plan = allocate.neyman_split([1, 2, 1], [100, 100, 400], 2000, least=1)
    assert plan.rollouts.tolist() == [4, 8, 2] and plan.variance >= plan.variance_bound and not plan.saturated
    assert allocate.split_tokens([20, 80], 200).tolist() == [66, 134]
    assert allocate.split_tokens([1, 1, 1], 10, decay="constant").sum() == 10
    same = np.eye(4)
    same[:3, :3] = 1.0
    assert allocate.split_over_directions([0.5] * 4, same, 12).tolist() == [2, 2, 2, 6]


def test_the_best_pairs_of_a_matrix():
    affinity = np.random.default_rng(4).random((30, 20), dtype=np.float32)
    got = allocate.sparse_match(affinity, per_row=3)
    pairs = [(i, j) for i in range(30) for j in got.column[got.first[i]:got.first[i + 1]]]
    assert sorted(pairs) == sorted((i, j) for i in range(30) for j in np.argsort(affinity[i])[-3:])
    assert got.value == pytest.approx(sum(float(affinity[pair]) for pair in pairs), rel=1e-6)
    both = allocate.sparse_match(affinity, per_row=1, per_column=1)
    assert len(set(both.column.tolist())) == len(both.column) == 20 and both.value <= both.bound + 1e-9


@pytest.mark.parametrize(("call", "kind", "says"), [
    (lambda: allocate.water_filling("cubic", [1.0], [1.0], 5), ValueError, "family: is 'cubic'; known are power"),
    (lambda: allocate.water_filling("log", [1.0], [1.0, 2.0], 5), ValueError, r"shape: has shape \(2,\), must be \(1,\)"),
    (lambda: allocate.water_filling("log", [1.0, -1.0], [1.0, 2.0], 5), ValueError, "1"),
    (lambda: allocate.split_units([[1.0, np.nan]], 2), ValueError, "nan"),
    (lambda: allocate.split_units([[1.0, 1.0]], 2, ceilings=[3]), ValueError, r"ceilings\[0\]: is 3; gains has only 2 columns"),
    (lambda: allocate.split_units([[1.0, 1.0]], 2, floors=[-1]), ValueError, "-1"),
    (lambda: allocate.split_units([[1.0, 1.0]], 1, floors=[2]), bursar.Infeasible, "1"),
    (lambda: allocate.fit_response([1.0, 2.0], [1.0, 2.0]), ValueError, "3"),
    (lambda: allocate.split_tokens([1.0], 5, decay="fast"), ValueError, "decay: is 'fast'"),
    (lambda: allocate.split_over_directions([0.5], np.eye(2), 3), ValueError, r"similarity: has shape \(2, 2\), must be \(1, 1\)"),
    (lambda: allocate.sparse_match(np.ones((2, 2)), per_row=1), TypeError, "affinity: must be an array of float32, is float64"),
])
def test_bad_input_is_refused(call, kind, says):
    with pytest.raises(bursar.Error, match=says) as caught:
        call()
    assert isinstance(caught.value, kind)
