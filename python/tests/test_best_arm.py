"""The private best arm with its accountant, and samples for groups by their learning curves."""

import json

import numpy as np
import pytest

import bursar
from bursar import explore


def run(best, means, random):
    while not best.done:
        arms, counts = best.next_batch()
        best.report(arms, counts, random.binomial(counts, means[arms]).astype(float))
    return best.answer()


def test_the_best_arm_is_found_within_its_samples_and_its_privacy():
    means, random = np.array([0.2, 0.3, 0.8, 0.4, 0.1]), np.random.default_rng(1)
    accountant = explore.PrivacyAccountant(1.0)
    found = 0
    for seed in range(20):
        best = explore.PrivateBestArm(5, samples=2000, epsilon=0.5, seed=seed)
        if seed < 2:
            accountant.commit(accountant.reserve("visitors", best.cost[0]))
        found += run(best, means, random) == 2
        assert best.samples_used <= 2000 and best.spent == best.cost == (0.5, 0.0)
    assert found >= 19 and accountant.remaining("visitors") == (0.0, 0.0) and accountant.spent_at_most == (1.0, 0.0)
    with pytest.raises(bursar.Exhausted, match="visitors"):
        accountant.reserve("visitors", 0.5)
    held = accountant.reserve("others", 1.0)
    accountant.release(held)
    again = explore.PrivacyAccountant.restore(json.loads(json.dumps(accountant.save())))
    assert again.remaining("others") == (1.0, 0.0) and again.spent("visitors") == (1.0, 0.0)


def test_features_and_states_that_go_on():
    features = np.random.default_rng(2).random((12, 3))
    whole, halved = (explore.PrivateBestArm(features, samples=3000, epsilon=1.0, seed=7) for _ in range(2))
    means = features @ [0.5, 0.3, 0.1]
    first, counts = halved.next_batch()
    halved.report(first[0], counts[0], counts[0] * means[first[0]])
    halved = explore.PrivateBestArm.restore(json.loads(json.dumps(halved.save())))
    for best in (whole, halved):
        while not best.done:
            arms, counts = best.next_batch()
            best.report(arms, counts, counts * means[arms])
    assert whole.answer() == halved.answer()
    assert all(np.array_equal(a["means"], b["means"]) for a, b in zip(whole.phases(), halved.phases()))


@pytest.mark.parametrize(("call", "kind", "says"), [
    (lambda: explore.PrivateBestArm(5, samples=3, epsilon=0.5), bursar.Infeasible, "samples"),
    (lambda: explore.PrivateBestArm(5, samples=3000, epsilon=0.0), ValueError, "epsilon"),
    (lambda: explore.PrivateBestArm(5, samples=3000, epsilon=0.5, noise="pink"), ValueError, "noise: is 'pink'"),
    (lambda: explore.PrivateBestArm(5, samples=3000, epsilon=0.5).answer(), bursar.Unavailable, ""),
    (lambda: explore.PrivateBestArm(5, samples=3000, epsilon=0.5).report(0, 1, 2.0), ValueError, "arm 0"),
    (lambda: explore.PrivateBestArm(5, samples=3000, epsilon=0.5).report([0], [1, 2], [1.0]), ValueError, "counts"),
    (lambda: explore.PrivacyAccountant(0.0), ValueError, "epsilon"),
    (lambda: explore.PrivacyAccountant(1.0).commit(5), KeyError, "5"),
    (lambda: explore.plan_groups([explore.Group("a")], [[0.0, 1.0]], 10.0), ValueError, r"curves: has shape \(1, 2\), must be \(1, 3\)"),
    (lambda: explore.plan_groups([explore.Group("a", cost=-1)], [[0.0, 1.0, 1.0]], 10.0), ValueError, "cost"),
    (lambda: explore.AdaptiveSampler([explore.Group("a")], 100.0).record_sizes(3), ValueError, "group: is 3"),
])
def test_bad_input_is_refused(call, kind, says):
    with pytest.raises(bursar.Error, match=says) as caught:
        call()
    assert isinstance(caught.value, kind)


GROUPS = [explore.Group("en", cost=1.0, weight=0.5), explore.Group("fi", cost=4.0, weight=0.5)]
CURVES = np.array([[0.05, 2.0, 0.5], [0.1, 3.0, 0.5]])


def test_a_plan_for_known_curves_is_the_best_of_whole_splits():
    plan = explore.plan_groups(GROUPS, CURVES, 400.0)
    a, b, gamma = CURVES.T

    def loss(counts):
        return (0.5 * (a + b * np.array(counts, dtype=float) ** -gamma) ** 2).sum()

    best = min(loss((400 - 4 * n, n)) for n in range(1, 100))
    assert plan.bound <= best + 1e-12 and plan.loss <= best * (1 + 1e-3)
    assert loss(plan.counts) == pytest.approx(plan.loss)
    assert plan.spent <= 400 and plan.errors == pytest.approx(a + b * plan.counts**-gamma)


def test_a_sampler_learns_the_curves_and_keeps_the_budget():
    sampler = explore.AdaptiveSampler(GROUPS, 2000.0, seed_count=50)
    random = np.random.default_rng(5)
    rounds = 0
    while wanted := sampler.request():
        group, count = wanted
        sampler.bought(count)
        a, b, gamma = CURVES[group]
        for n in sampler.record_sizes(group):
            sampler.observe(group, n, a + b * n**-gamma + random.normal(0, 0.005), 0.005**2)
        rounds += 1
        if rounds == 4:
            sampler = explore.AdaptiveSampler.restore(json.loads(json.dumps(sampler.save())))
    plan, report = explore.plan_groups(GROUPS, CURVES, 2000.0), sampler.report()
    assert sampler.spent == report.spent <= 2000 and rounds > 4
    a, b, gamma = CURVES.T
    reached = (0.5 * (a + b * sampler.counts**-gamma) ** 2).sum()
    assert plan.bound <= reached <= 1.05 * plan.loss
