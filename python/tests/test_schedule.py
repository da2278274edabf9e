"""bursar.schedule: closed forms, arrays without copies, pickles, budgets that change, curricula, plateaus."""

import math
import pickle
import tracemalloc

import numpy as np
import pytest

import bursar
from bursar.schedule import BudgetCurriculum, Plateau, Profile, Schedule, advise_phi, profiles


def test_tables_are_the_closed_forms():
    s = np.arange(1000) / 1000
    assert np.allclose(Schedule("rex", steps=1000, peak=0.1).table(), 0.1 * (1 - s) / (1 - s / 2), rtol=1e-14, atol=0)
    assert np.allclose(Schedule("cosine", steps=1000, peak=2.0, floor=1.0).table(), 1 + (1 + np.cos(np.pi * s)) / 2, rtol=1e-13)
    uba = 1 / (1 + 0.25 / 2 * np.tan(np.pi * s / 2) ** 2)
    assert np.allclose(Schedule("uba:phi=.25", steps=1000).table(), uba, rtol=1e-12)


def test_one_step_many_steps_and_all_agree():
    rate = Schedule("uba", steps=200, peak=0.3, floor=0.01, warmup=20, every=5)
    table = rate.table()
    assert table.shape == (200,) and table.tolist() == [rate(step) for step in range(200)]
    steps = np.arange(200).reshape(20, 10)
    assert np.array_equal(rate(steps), table.reshape(20, 10))
    assert rate(np.int64(7)) == table[7] == rate([7])[0] and table[20] == 0.3 == rate.peak
    assert rate(200) == rate(10**9) == 0.01 and rate.total == 200


def test_a_table_is_written_where_it_belongs():
    rate = Schedule("rex", steps=1_000_000)
    room = np.zeros(1_000_000)
    tracemalloc.start()
    rate.write(0, room)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000 and np.array_equal(room, rate.table())
    part = room[10:20]
    rate.write(500, part)
    assert room[10] == rate(500)
    room.flags.writeable = False
    with pytest.raises(ValueError, match="out: must be writable"):
        rate.write(0, room)
    with pytest.raises(TypeError, match="out: must be an array of float64, is float32"):
        rate.write(0, np.zeros(3, dtype=np.float32))


def test_a_changed_budget_is_continuous_and_pickles():
    rate = Schedule("rex", steps=100, peak=0.1, warmup=10)
    longer = rate.with_budget(40, 300)
    assert longer.total == 300 and longer(40) == rate(40) and longer(299) < longer(40)
    assert np.array_equal(longer.table()[:40], rate.table()[:40])
    for schedule in (rate, longer, rate.restarts(3, growth=2.0, decay=0.5), Schedule.phases([rate, rate])):
        again = pickle.loads(pickle.dumps(schedule))
        assert np.array_equal(again.table(), schedule.table()) and repr(again) == repr(schedule)
    with pytest.raises(bursar.InvalidArgument, match=r"schedules\[1\]: its budget was changed"):
        Schedule.phases([rate, longer])
    with pytest.raises(bursar.InvalidArgument, match="restarts"):
        longer.restarts(2)


def test_profiles_are_made_of_words_or_functions():
    assert {"linear", "cosine", "rex", "uba", "step", "one-cycle"} <= {entry.name for entry in profiles()}
    half = Profile("rex")(np.array([0.0, 0.5, 1.0]))
    assert half.tolist() == [1.0, pytest.approx(2 / 3), 0.0] and Profile("rex")(0.5) == half[1]
    assert Profile("linear").mobius(1.0)(0.3) == pytest.approx(Profile("rex")(0.3), rel=1e-14)
    assert Profile("linear").times(Profile("linear"))(0.5) == 0.25
    square = Profile.custom(lambda s: (1 - s) ** 2)
    assert Schedule(square, steps=4).table().tolist() == [1.0, 0.5625, 0.25, 0.0625]
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(Schedule(square, steps=4))
    assert pickle.loads(pickle.dumps(Profile("uba:phi=.25"))).name == Profile("uba:phi=.25").name


@pytest.mark.parametrize(("make", "kind", "says"), [
    (lambda: Schedule("rex", steps=0), ValueError, "steps"),
    (lambda: Schedule("rex", steps=5, peak=math.nan), ValueError, "peak"),
    (lambda: Schedule("rexx", steps=5), KeyError, "rexx"),
    (lambda: Schedule("rex", steps=5, every=2, at=[0.5]), ValueError, "every and at: give one of them"),
    (lambda: Schedule("rex", steps=5)(-1), ValueError, "-1"),
    (lambda: Schedule("rex", steps=5)(np.array([1.5])), TypeError, "steps: must be an array of int64"),
    (lambda: Schedule("rex", steps=5).with_budget(5, 9), ValueError, "done"),
    (lambda: Profile.custom(lambda s: 2.0), ValueError, "custom|curve"),
    (lambda: Profile.custom(lambda s: 1 / 0), ZeroDivisionError, "division"),
])
def test_bad_input_is_refused(make, kind, says):
    with pytest.raises(kind, match=says):
        make()


def test_curricula_shrink_by_steps():
    budget = BudgetCurriculum.exponential(256, 87, steps=600, drops=3)
    assert [budget.tokens_at(step) for step in (0, 150, 599)] == [256, 179, 87] and not budget.grows
    assert [step for step, _ in budget.changes()] == [0, 150, 300, 450]
    assert BudgetCurriculum.decay(100, 0.5, interval=10, steps=30).changes() == [(0, 100.0), (10, 50.0), (20, 25.0)]
    assert BudgetCurriculum.of_profile(Profile("linear"), 100, 0 + 50, steps=4).at(2) == 75
    with pytest.raises(ValueError, match="budget|from|start"):
        BudgetCurriculum.constant(0, steps=5)


def test_a_plateau_falls_when_nothing_improves_and_can_be_saved():
    rate = Plateau(0.1, patience=2, factor=0.5)
    assert [rate.report(loss) for loss in (1.0, 1.0, 1.0, 0.5)] == [0.1, 0.1, 0.05, 0.05] and rate.best == 0.5
    again = Plateau.restore(rate.save())
    assert [again.report(1.0), again.report(1.0)] == [rate.report(1.0), rate.report(1.0)] == [0.05, 0.025]
    with pytest.raises(ValueError):
        rate.report(math.nan)


def test_advice_names_the_least_loss():
    advice = advise_phi(kappa=1e3, total=300)
    assert advice.phi == min(advice.losses, key=lambda one: one.loss).phi and len(advice.losses) == 7
