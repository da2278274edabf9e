"""bursar.allocate.choose and knapsack: right, without copies, and with the errors of the other doors."""

import itertools
import tracemalloc

import numpy as np
import pytest

import bursar
from bursar import allocate


def best_by_hand(value, cost, budgets):
    best = -np.inf
    for picks in itertools.product(range(value.shape[1]), repeat=value.shape[0]):
        rows = np.arange(value.shape[0])
        if all(c[rows, picks].sum() <= b for c, b in zip(cost, budgets)):
            best = max(best, value[rows, picks].sum())
    return best


def test_the_choice_is_the_best_of_all():
    random = np.random.default_rng(1)
    for _ in range(30):
        value = random.integers(0, 50, (5, 3)).astype(float)
        cost = random.integers(0, 20, (5, 3)).astype(float)
        cost[:, 0] = 0
        budget = float(random.integers(5, 60))
        got = allocate.choose(value, cost, budget)
        assert got.value == best_by_hand(value, [cost], [budget]) == got.bound
        rows = np.arange(5)
        assert value[rows, got.choice].sum() == got.value and cost[rows, got.choice].sum() == got.cost[0] <= budget
        two = np.stack([cost, cost[::-1].copy()])
        both = allocate.choose(value, two, [budget, 20.0])
        assert both.value == best_by_hand(value, two, [budget, 20.0]) and both.method == "resources"


def test_items_may_differ_in_their_number_of_options():
    got = allocate.choose([0.0, 5.0, 0.0, 9.0, 12.0], [0.0, 2.0, 0.0, 6.0, 7.0], 7.0, first=[0, 2, 5])
    assert got.choice.tolist() == [0, 2] and got.value == 12


def test_minimising_and_forbidding():
    loss = np.array([[9.0, 5.0, 4.0], [8.0, 2.0, 1.0], [3.0, 2.5, 2.4]])
    bits = np.tile([2.0, 3.0, 4.0], (3, 1))
    best = allocate.choose(loss, bits, 8, minimise=True)
    assert best.choice.tolist() == [1, 1, 0] and best.value == 10 and best.bound <= 10
    forbidden = np.zeros((3, 3), dtype=bool)
    forbidden[0, 1] = True
    assert allocate.choose(loss, bits, 8, minimise=True, forbidden=forbidden).choice.tolist() == [0, 2, 0]


def test_groups_have_caps_of_their_own():
    value = np.array([[0.0, 5.0], [0.0, 4.0], [0.0, 3.0]])
    cost = np.array([[0.0, 2.0], [0.0, 2.0], [0.0, 2.0]])
    best = allocate.choose(value, cost, 6, group=[0, 0, 1], caps=[2, np.inf])
    assert best.choice.tolist() == [1, 0, 1] and best.group_cost.tolist() == [2, 2] and best.method == "groups"


@pytest.mark.parametrize(("arguments", "kind", "says"), [
    ({"cost": [[0, 2, 1], [0, 6, 1]]}, ValueError, r"cost: has shape \(2, 3\), must be \(2, 2\) as value"),
    ({"value": [1.0, 2.0], "cost": [1.0, 2.0]}, ValueError, r"value: has shape \(2,\); give it a row an item, or say with `first`"),
    ({"value": [[0, float("nan")], [0, 9]]}, ValueError, "item 0, option 1"),
    ({"budget": -1.0}, bursar.Infeasible, "1"),
    ({"budget": [6.0, 7.0]}, ValueError, r"cost: has shape \(2, 2\), must be \(2, 2, 2\) as budget and value"),
    ({"group": [0, 1]}, ValueError, "group and caps: give both or neither"),
    ({"sense": "exact"}, ValueError, "exact"),
    ({"method": "magic"}, ValueError, "magic"),
    ({"method": "groups"}, ValueError, "'groups' does not take this problem"),
    ({"budget": "6"}, TypeError, "budget: must hold numbers"),
    ({"time_limit_s": 0.0}, ValueError, "time_limit_s"),
    ({"forbidden": [[0.0, 1.0], [0.0, 0.0]]}, TypeError, "forbidden: must hold truth values"),
    ({"group": [0, -1], "caps": [1.0]}, ValueError, "group: must hold whole numbers of at least 0"),
])
def test_what_does_not_fit_is_refused_by_name(arguments, kind, says):
    whole = {"value": [[0, 5], [0, 9]], "cost": [[0, 2], [0, 6]], "budget": 6} | arguments
    with pytest.raises(bursar.Error, match=says) as caught:
        allocate.choose(**whole)
    assert isinstance(caught.value, kind)


def test_starts_of_items_must_rise_to_the_end():
    for first in ([0, 3, 2], [1, 2], [0, 1], [], [0, -1, 2]):
        with pytest.raises(bursar.InvalidArgument, match="first"):
            allocate.choose([1.0, 2.0], [1.0, 2.0], 2.0, first=first)


def test_the_arrays_are_not_copied():
    value = np.zeros((200_000, 10))
    value[:, 1:] = np.arange(1.0, 10.0)
    cost = value.copy()
    tracemalloc.start()  # NumPy tells it of its arrays; a converted argument or a copied answer would be one
    best = allocate.choose(value, cost, 500_000.0, method="lagrangian")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000 < best.choice.nbytes < value.nbytes
    assert best.choice.base is not None and not best.choice.flags.owndata  # the solver's own vector


def test_knapsack_takes_copies():
    got = allocate.knapsack([10.0, 7.0, 12.0], [3.0, 2.0, 4.0], 7.0, copies=[2, 1, 1])
    assert got.value == 22 and (got.take * [3, 2, 4]).sum() == got.cost == 7
    with pytest.raises(bursar.InvalidArgument, match=r"copies: has shape \(2,\), must be \(3,\) as value"):
        allocate.knapsack([10.0, 7.0, 12.0], [3.0, 2.0, 4.0], 7.0, copies=[2, 1])
