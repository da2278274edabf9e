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


def play(guide, rng):
    """A model whose lines begin with Wait or So, or end the thinking."""
    while True:
        what, most = guide.next()
        if what == "done":
            return guide
        if what == "candidates":
            guide.report_candidates([("Wait", -0.25), ("So", -1.7), ("</think>", -3.5)])
            continue
        tokens = int(rng.integers(4, 30))
        guide.report_line(" and on", min(tokens, most), "newline" if tokens <= most else "length")


def test_thinking_ends_within_its_budget():
    rng = np.random.default_rng(3)
    traces = [[("Wait, no", int(rng.integers(5, 40))) for _ in range(rng.integers(4, 12))]
              + [("So it is", int(rng.integers(5, 40))) for _ in range(2)] for _ in range(300)]
    laws = sample.fit_lengths(traces)
    assert laws.law(0, " Wait").cdf(100) < laws.law(8, "So").cdf(100)
    assert laws.law(0, "</think>").cdf(1) > 0.999
    guide = play(sample.LineGuide(120, sample.LengthTable.restore(laws.save()), seed=4), rng)
    assert guide.spent <= 120 and guide.text.endswith("</think>") and guide.ended in {"own", "cut"}
    assert guide.records()[0]["remaining"] == 120


def test_laws_may_be_a_function_and_a_guide_goes_on():
    def laws(line, tokens, budget, last_line, candidates):
        return [(60, 10) if text == "Wait" else (30, 10) for text in candidates]

    guide = sample.LineGuide(400, laws, seed=2)
    other = sample.LineGuide.restore(guide.save(), laws)
    assert play(guide, np.random.default_rng(1)).text == play(other, np.random.default_rng(1)).text
    with pytest.raises(bursar.WrongType):
        sample.LineGuide(400, 3)
    with pytest.raises(bursar.InvalidArgument, match="not asked for"):
        sample.LineGuide(400, laws).report_line("x", 1)


def test_reweighting_leaves_the_unknown_alone():
    guided = sample.reweight([None, sample.LengthLaw(60, 10)], 50, [0.5, 0.5])
    assert guided.finish[0] == 1 and guided.probs[0] > 0.99 and not guided.fell_back
    with pytest.raises(bursar.InvalidArgument, match="all probabilities are 0"):
        sample.reweight([None], 50, [0.0])
    with pytest.raises(bursar.InvalidArgument, match="shape"):
        sample.LengthLaw(-1, 2)
