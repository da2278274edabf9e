"""bursar.agree: one point or one split, and what it owes to each party."""

import numpy as np
import pytest

import bursar
from bursar import agree


def test_the_uniform_phantom_is_the_largest_point_with_enough_reports_above():
    random = np.random.default_rng(2)
    for _ in range(50):
        reports = random.random(random.integers(1, 9))
        ranked, n = np.sort(reports)[::-1], len(reports)
        assert agree.decide(reports) == max(min(ranked[k - 1] if k else 1.0, k / n) for k in range(n + 1))
    assert agree.decide([0.7, 0.4, 0.3, 0.2, 0.1], rule="average") == pytest.approx(0.34)
    assert agree.decide([70.0, 40, 30, 20, 10], high=100.0) == 40


def test_a_split_sums_to_one_and_single_minded_parties_get_their_share():
    shares = agree.split(np.array([[1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]))
    assert shares.sum() == pytest.approx(1, abs=1e-12) and shares == pytest.approx([0.5, 0.25, 0.25])
    heavy = agree.split([[1.0, 0.0], [0.0, 1.0]], weights=[3.0, 1.0])
    assert heavy == pytest.approx([0.75, 0.25])


def test_what_an_outcome_owes():
    owed = agree.guarantees([0.0, 0.0, 1.0], 0.9)
    assert owed.distance == pytest.approx([0.9, 0.9, 0.1]) and (owed.individual == pytest.approx([2 / 3] * 3))
    broken = [finding for finding in agree.check_axioms([0.0, 0.0, 1.0], 0.9) if not finding.holds]
    assert broken and all(finding.slack < 0 and finding.text for finding in broken)
    assert all(finding.holds for finding in agree.check_axioms([0.0, 0.0, 1.0], agree.decide([0.0, 0.0, 1.0])))


@pytest.mark.parametrize(("call", "says"), [
    (lambda: agree.decide([]), "part"),
    (lambda: agree.decide([1.5]), "1.5"),
    (lambda: agree.decide([0.5], rule="dictator"), "dictator"),
    (lambda: agree.decide([0.5, 0.5], weights=[1.0]), r"weights: has shape \(1,\), must be \(2,\) as reports"),
    (lambda: agree.split([[0.5, 0.4]]), "0.9"),
])
def test_bad_input_is_refused(call, says):
    with pytest.raises(bursar.InvalidArgument, match=says):
        call()
