"""A search of models and samples by bursar.ConfigSearch."""

import math

import pytest

import bursar
from bursar import plan

STAGES = [
    {"name": "retrieve", "prompt_tokens": 2048, "generation_tokens": 128,
     "models": [{"name": "m7", "parameters": 7e9}, {"name": "m72", "parameters": 72e9}]},
    {"name": "answer", "prompt_tokens": 256, "generation_tokens": 64,
     "models": [{"name": "m8", "parameters": 8e9}, {"name": "m70", "parameters": 70e9}]},
]


def score(configuration):
    (_, samples), (model, _) = configuration
    return (0.5 + 0.1 * math.log(samples) - 0.02 * math.log(samples) ** 2) * (0.9 if model == "m70" else 0.6)


def test_a_search_finds_the_stage_that_needs_its_large_model():
    search = bursar.ConfigSearch(STAGES, seed=2)
    assert search.budget == pytest.approx(814 + 344 / 3)
    while search.trials < 30:
        for configuration in search.propose():
            assert search.cost(configuration) <= search.budget
            search.report(configuration, score(configuration))
    best = plan.recommend(search)
    assert best.configuration[1][0] == "m70" and best.configuration[0][0] == "m7"
    assert best.interval[0] <= best.predicted <= best.interval[1] and len(best.why) == 5
    other = bursar.ConfigSearch.restore(search.save())
    assert other.propose(5) == search.propose(5)


def test_what_is_wrong_is_named():
    search = bursar.ConfigSearch(STAGES)
    with pytest.raises(bursar.InvalidArgument, match="no model 'm9'"):
        search.report([("m9", 1), ("m8", 1)], 0.5)
    with pytest.raises(bursar.InvalidArgument, match="score"):
        search.report([("m7", 1), ("m8", 1)], 1.5)
    with pytest.raises(bursar.Infeasible, match="cheapest"):
        bursar.ConfigSearch(STAGES, budget=1)
    with pytest.raises(bursar.InvalidArgument, match=r"stages\[0\]"):
        bursar.ConfigSearch([{"name": "x"}])
    with pytest.raises(bursar.Unavailable):
        search.recommend()
    first = search.propose(1)[0]
    search.give_up(first)
    with pytest.raises(bursar.NotFound):
        search.give_up(first)
