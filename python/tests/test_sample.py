"""Votes, selections and allocators of bursar.sample."""

import numpy as np
import pytest

import bursar
from bursar import sample


def test_numbers_have_one_form():
    assert {sample.canonical_answer(text) for text in ["1/2", "0.5", r"\boxed{\frac{2}{4}}", " .50 "]} == {"1/2"}
    assert sample.canonical_answer(" 0.50", exact=True) == " 0.50"


def test_votes_count_empty_answers_and_weigh():
    assert sample.vote(["a", "", ""]).share == pytest.approx(1 / 3)
    assert sample.vote(["", ""]) is None
    assert sample.vote(["a", "a", "b"], weights=[1, 1, 5]).answer == "b"


def test_selection_drops_rare_answers_that_a_reward_model_likes():
    answers = ["2"] * 60 + ["7"] * 39 + ["9"]
    rewards = [0.5] * 60 + [0.8] * 39 + [1.0]
    assert sample.select(answers, rewards, rule="best-of-n").answers == ["9"]
    chosen = sample.select(answers, rewards, k=2, threshold=0.03)
    assert chosen.answers == ["7", "2"] and chosen.survivors == 2
    assert chosen.shares.tolist() == [0.39, 0.6]
    with pytest.raises(bursar.InvalidArgument, match="has no reward"):
        sample.select(answers)
    with pytest.raises(bursar.InvalidArgument, match="rewards"):
        sample.select(answers, [0.5])


def test_samples_go_where_votes_are_open_and_states_go_on():
    rng = np.random.default_rng(1)
    okg = sample.OkgAllocator(20, options=4)
    top = rng.uniform(0.5, 1, 20)
    for _ in range(200):
        question = okg.next()
        okg.observe(question, 0 if rng.random() < top[question] else int(rng.integers(1, 4)))
    other = sample.OkgAllocator.restore(okg.save())
    assert other.next() == okg.next() and len(okg.next_batch(5)) == 5
    assert np.mean([okg.leader(q) == 0 for q in range(20)]) > 0.8
    okg.observe(3, None)
    okg.retire(3)
    with pytest.raises(bursar.InvalidArgument, match="retired"):
        okg.observe(3, 0)
    with pytest.raises(bursar.InvalidArgument):
        okg.leader(20)


def test_a_stream_gives_more_where_first_answers_disagree():
    rng = np.random.default_rng(2)
    pools = [[0 if rng.random() < top else int(rng.integers(1, 4)) for _ in range(64)] for top in rng.uniform(0.4, 1, 30)]
    plan = sample.fit_stream(pools, mean_budget=16)
    assert plan.target([0, 0, 0, 0]) < plan.target([0, 1, 2, 0])
    assert sample.StreamPlan.restore(plan.save()).budgets.tolist() == plan.budgets.tolist()
    with pytest.raises(bursar.InvalidArgument, match="4"):
        plan.target([0, 0])


def test_rollouts_pay_directions():
    east, north = [1, 0], [0, 1]
    embeddings = np.array([east, east, east, north], np.float32)
    scores = np.full(4, 0.95)
    assert sample.split_rollouts(scores, 12, embeddings=embeddings).tolist() == [2, 2, 2, 6]
    assert sample.split_rollouts(scores, 12, policy="rebase").tolist() == [3, 3, 3, 3]
    with pytest.raises(bursar.InvalidArgument, match="embedding"):
        sample.split_rollouts(scores, 12)
    with pytest.raises(bursar.InvalidArgument, match="rows"):
        sample.split_rollouts(scores, 12, embeddings=embeddings[:2])
