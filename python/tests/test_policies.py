"""bursar.admit and bursar.explore: policies by name, states that go on, streams of arrays."""

import json

import numpy as np
import pytest

import bursar
from bursar import admit, explore


def stream(requests=2000, options=3, resources=2, seed=1):
    random = np.random.default_rng(seed)
    return random.random((requests, options)), random.random((requests, options, resources)) + 0.1


def test_a_policy_decides_within_its_budget_and_goes_on_from_its_state():
    rewards, costs = stream()
    policy = admit.make("dual-mirror-descent", [200.0, 200.0], horizon=2000, mirror="entropy")
    spent, decisions = np.zeros(2), []
    for t in range(2000):
        if t == 700:  # through JSON, as a file would
            policy = admit.restore(json.loads(json.dumps(policy.save())))
        decision = policy.decide(rewards=rewards[t], costs=costs[t])
        decisions.append(decision.option)
        if decision.option is not None:
            spent += costs[t, decision.option]
            policy.observe(decision.id, costs=costs[t, decision.option])
    assert policy.decided == 2000 and (spent <= 200).all() and (spent > 150).any()
    assert np.allclose(policy.remaining, 200 - spent) and (policy.prices >= 0).all()
    run, = admit.replay("dual-mirror-descent:mirror=entropy", rewards, costs, budget=[200.0, 200.0]).runs
    assert run.taken == sum(option is not None for option in decisions)
    assert np.allclose(run.spent, spent)


def test_replay_compares_policies_with_the_best_in_hindsight():
    rewards, costs = stream()
    both = admit.replay(["greedy", "dual-mirror-descent"], rewards, costs, budget=[200.0, 200.0])
    greedy, mirror = both.runs
    assert greedy.policy == "greedy" and greedy.reward < mirror.reward <= both.bound
    assert mirror.point_requests[-1] == 2000 and mirror.point_spent.shape == (len(mirror.point_requests), 2)
    late, = admit.replay("dual-mirror-descent", rewards, costs, budget=[200.0, 200.0], delay=100, bound=False).runs
    assert (late.spent <= 200).all()
    assert admit.replay("greedy", rewards, costs, budget=[200.0, 200.0], bound=False).bound is None


def test_requests_may_differ_in_their_options_and_auctions_have_prices():
    one = admit.replay("greedy", [0.5, 0.9, 0.4], [1.0, 1.0, 1.0], first=[0, 2, 3], budget=1.0)
    assert one.runs[0].requests == 2 and one.runs[0].reward == 0.9
    values, prices = np.array([1.0, 0.2, 3.0]), np.array([0.5, 0.5, 0.5])
    won, = admit.replay("dual-mirror-descent", values, budget=100.0, prices=prices).runs
    assert won.taken == 2 and won.reward == pytest.approx(3.0)


@pytest.mark.parametrize(("call", "kind", "says"), [
    (lambda: admit.make("dual-miror-descent", 1.0), KeyError, "dual-mirror-descent"),
    (lambda: admit.make("greedy", 0.0), ValueError, "budget"),
    (lambda: admit.make("dual-mirror-descent", 1.0, mirror="glass"), ValueError, "mirror"),
    (lambda: admit.make("dual-mirror-descent", 1.0, step=object()), TypeError, "parameters.step: object is not taken"),
    (lambda: admit.make("dual-mirror-descent", 1.0, step=float("nan")), ValueError, "parameters.step: is nan; it must be finite"),
    (lambda: admit.make("greedy", 1.0).decide(rewards=[1.0, float("nan")], costs=[1.0, 1.0]), ValueError, "nan"),
    (lambda: admit.make("greedy", 1.0).decide(rewards=[1.0, 2.0], costs=[1.0]), ValueError, "cost"),
    (lambda: admit.make("greedy", 1.0).observe(7), KeyError, "7"),
    (lambda: admit.restore({"policy": "greedy"}), bursar.Error, ""),
    (lambda: admit.replay("greedy", [[1.0]], [[1.0], [2.0]], budget=1.0), ValueError, r"costs: has shape \(2, 1\), must be \(1, 1\) as rewards"),
    (lambda: admit.replay("greedy", [[1.0]], budget=1.0), ValueError, "costs and prices"),
    (lambda: admit.replay("greedy", [[1.0]], [[1.0]], budget=1.0, goal="fame"), ValueError, "goal"),
    (lambda: explore.play(explore.make("ucb1", arms=3), [[0.5, 0.5]] * 9), ValueError, "rewards: have 2 columns, and the policy chose arm 2"),
    (lambda: explore.beliefs(admit.make("greedy", 1.0)), ValueError, "bandit"),
])
def test_bad_input_is_refused(call, kind, says):
    with pytest.raises(bursar.Error, match=says) as caught:
        call()
    assert isinstance(caught.value, kind)


def test_a_refused_call_leaves_the_state_as_it_was():
    policy = admit.make("greedy", 5.0)
    policy.decide(rewards=[1.0], costs=[2.0])
    before = policy.save()
    for wrong in (lambda: policy.decide(rewards=[1.0], costs=[-1.0]), lambda: policy.observe(9)):
        with pytest.raises(bursar.Error):
            wrong()
    assert policy.save() == before


def test_tables_of_policies_name_their_parameters():
    names = {entry.name: entry for entry in admit.policies()}
    mirror = {parameter.name: parameter for parameter in names["dual-mirror-descent"].parameters}["mirror"]
    assert mirror.preset == "entropy" and not mirror.required
    assert "ucb1" in {entry.name for entry in explore.policies()}
    assert next(p for p in explore.policies()[0].parameters if p.name == "arms").required


def test_a_bandit_finds_the_best_arm():
    random = np.random.default_rng(3)
    rewards = (random.random((5000, 3)) < [0.3, 0.5, 0.7]).astype(float)
    bandit = explore.make("ucb1", arms=3, horizon=5000)
    result = explore.play(bandit, rewards)
    assert result.options.shape == (5000,) and (np.bincount(result.options) / 5000)[2] > 0.8
    assert result.reward == result.rewards.sum() and result.regret == result.best - result.reward
    assert 0 < result.regret < explore.regret_bound(bandit, 5000)
    now = explore.beliefs(bandit)
    assert now.mean.argmax() == 2 and ((now.low <= now.mean) & (now.mean <= now.high)).all() and now.pulls.sum() == 5000


def test_a_bandit_goes_on_from_its_state_and_learns_late():
    random = np.random.default_rng(4)
    rewards = random.random((600, 4))
    for name in ("ucb1", "thompson"):
        whole = explore.play(explore.make(name, arms=4, seed=9), rewards)
        bandit = explore.make(name, arms=4, seed=9)
        first = explore.play(bandit, rewards[:250])
        rest = explore.play(explore.restore(json.loads(json.dumps(bandit.save()))), rewards[250:])
        assert np.array_equal(np.concatenate([first.options, rest.options]), whole.options)
    late = explore.make("ucb1", arms=4)
    explore.play(late, rewards, delay=50)
    assert explore.beliefs(late).pulls.sum() == 600


def test_a_bandit_keeps_its_budget():
    rewards = np.full((1000, 2), 0.5)
    bandit = explore.make("ucb1", 100.0, arms=2)
    result = explore.play(bandit, rewards, costs=[[1.0], [1.0]])
    assert (result.options >= 0).sum() == 100 and bandit.remaining.tolist() == [0.0]
