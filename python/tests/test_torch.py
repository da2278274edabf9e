"""bursar.torch.BudgetLR against PyTorch: closed forms at every step, groups, chains, resumption, changed budgets."""

import io
import pickle

import pytest

torch = pytest.importorskip("torch", reason="Debian's python3-torch is not installed")

import bursar.torch  # noqa: E402
from bursar.schedule import Profile, Schedule  # noqa: E402
from torch.optim import lr_scheduler  # noqa: E402


def optimiser(*rates):
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates], lr=1.0)


def rates_of(optimizer, scheduler, steps):
    seen = []
    for _ in range(steps):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return seen


@pytest.mark.parametrize("profile", ["linear", "rex", "cosine", "uba:phi=.25", "exponential", "step:at=[.5;.75],values=[.1;.01]"])
def test_every_step_is_the_closed_form(profile):
    sgd = optimiser(0.1, 3.0)
    scheduler = bursar.torch.BudgetLR(sgd, 50, profile, warmup=7, floor=1e-3)
    assert isinstance(scheduler, getattr(lr_scheduler, "LRScheduler", None) or lr_scheduler._LRScheduler)
    seen = rates_of(sgd, scheduler, 55)
    for peak, column in zip((0.1, 3.0), zip(*seen)):
        exact = Schedule(profile, steps=50, peak=peak, warmup=7, floor=1e-3)
        assert list(column) == [exact(step) for step in range(55)]
    assert scheduler.get_last_lr() == [group["lr"] for group in sgd.param_groups]


def test_rex_linear_and_cosine_by_hand():
    for profile, formula in (("rex", lambda s: (1 - s) / (1 - s / 2)), ("linear", lambda s: 1 - s)):
        sgd = optimiser(0.1)
        seen = rates_of(sgd, bursar.torch.BudgetLR(sgd, 100, profile), 100)
        assert [rate for rate, in seen] == pytest.approx([0.1 * formula(t / 100) for t in range(100)], rel=1e-14)
    sgd, other = optimiser(0.1), optimiser(0.1)
    cosine = lr_scheduler.CosineAnnealingLR(other, 100)
    ours, theirs = rates_of(sgd, bursar.torch.BudgetLR(sgd, 100, "cosine"), 100), rates_of(other, cosine, 100)
    assert sum(ours, []) == pytest.approx(sum(theirs, []), rel=1e-9)


def test_groups_may_have_profiles_and_floors_of_their_own():
    sgd = optimiser(0.1, 1.0)
    scheduler = bursar.torch.BudgetLR(sgd, 10, ["rex", Profile("cosine")], floor=[0.0, 0.5])
    seen = rates_of(sgd, scheduler, 10)
    assert [b for _, b in seen] == Schedule("cosine", steps=10, peak=1.0, floor=0.5).table().tolist()
    with pytest.raises(bursar.InvalidArgument, match="floor: has 1 values for 2 parameter groups"):
        bursar.torch.BudgetLR(optimiser(0.1, 1.0), 10, floor=[0.0])
    with pytest.raises(bursar.InvalidArgument, match="phi"):
        bursar.torch.BudgetLR(optimiser(0.1), 10, "uba:phi=-1")


def test_the_state_goes_on_through_a_file():
    whole = optimiser(0.1, 0.2)
    expected = rates_of(whole, bursar.torch.BudgetLR(whole, 40, "rex", warmup=3), 40)
    first = optimiser(0.1, 0.2)
    scheduler = bursar.torch.BudgetLR(first, 40, "rex", warmup=3)
    seen = rates_of(first, scheduler, 13)
    file = io.BytesIO()
    torch.save({"optimiser": first.state_dict(), "scheduler": scheduler.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file)
    second = optimiser(0.7, 0.7)
    resumed = bursar.torch.BudgetLR(second, 1)
    second.load_state_dict(saved["optimiser"])
    resumed.load_state_dict(saved["scheduler"])
    assert resumed.total == 40
    assert seen + rates_of(second, resumed, 27) == expected
    with pytest.raises(bursar.InvalidArgument, match="has 2 groups, the optimiser 1"):
        bursar.torch.BudgetLR(optimiser(0.1), 5).load_state_dict(saved["scheduler"])
    assert pickle.loads(pickle.dumps(resumed.state_dict()))["last_epoch"] == 40


def test_last_epoch_goes_on_from_initial_rates():
    sgd = optimiser(0.1)
    with pytest.raises(bursar.InvalidArgument, match="initial_lr"):
        bursar.torch.BudgetLR(sgd, 40, last_epoch=9)
    sgd.param_groups[0]["initial_lr"] = 0.1
    scheduler = bursar.torch.BudgetLR(sgd, 40, "rex", last_epoch=9)
    exact = Schedule("rex", steps=40, peak=0.1)
    assert [rate for rate, in rates_of(sgd, scheduler, 30)] == [exact(step) for step in range(10, 40)]


def test_a_chain_multiplies():
    sgd = optimiser(0.1)
    ours = bursar.torch.BudgetLR(sgd, 30, "rex")
    chain = lr_scheduler.ChainedScheduler([ours, lr_scheduler.ExponentialLR(sgd, gamma=0.9)])
    exact = Schedule("rex", steps=30, peak=0.1)
    assert [rate for rate, in rates_of(sgd, chain, 30)] == pytest.approx([exact(t) * 0.9**t for t in range(30)], rel=1e-12)
    sgd = optimiser(0.1)  # the other one first
    slow = lr_scheduler.ExponentialLR(sgd, gamma=0.9)
    chain = lr_scheduler.ChainedScheduler([slow, bursar.torch.BudgetLR(sgd, 30, "rex", warmup=4)])
    exact = Schedule("rex", steps=30, peak=0.1, warmup=4)
    assert [rate for rate, in rates_of(sgd, chain, 30)] == pytest.approx([exact(t) * 0.9**t for t in range(30)], rel=1e-12)


def test_a_sequence_begins_ours_where_it_comes():
    sgd = optimiser(0.1)
    held = lr_scheduler.ConstantLR(sgd, factor=0.5, total_iters=5)
    ours = bursar.torch.BudgetLR(sgd, 20, "rex", warmup=2)
    sequence = lr_scheduler.SequentialLR(sgd, [held, ours], milestones=[5])
    exact = Schedule("rex", steps=20, peak=0.1, warmup=2)
    seen = [rate for rate, in rates_of(sgd, sequence, 25)]
    assert seen[:5] == pytest.approx([0.05] * 5) and seen[5:] == [exact(t) for t in range(20)]


def test_the_budget_may_change_midway():
    sgd = optimiser(0.1)
    scheduler = bursar.torch.BudgetLR(sgd, 30, "rex")
    seen = rates_of(sgd, scheduler, 20)
    scheduler.set_budget(60)
    saved = scheduler.state_dict()
    seen += rates_of(sgd, scheduler, 10)
    resumed = bursar.torch.BudgetLR(optimiser(0.1), 5)
    resumed.load_state_dict(pickle.loads(pickle.dumps(saved)))
    assert resumed.total == 60
    seen += rates_of(sgd, scheduler, 30)
    exact = Schedule("rex", steps=30, peak=0.1).with_budget(20, 60)
    assert [rate for rate, in seen] == [exact(t) for t in range(60)]
    assert all(a >= b for a, b in zip(seen, seen[1:]))


def test_a_network_learns_with_it():
    torch.manual_seed(1)
    x = torch.randn(64, 4)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5], [3.0]])
    model = torch.nn.Linear(4, 1)
    sgd = torch.optim.SGD(model.parameters(), lr=0.2)
    scheduler = bursar.torch.BudgetLR(sgd, 100, "rex")
    for _ in range(100):
        sgd.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        sgd.step()
        scheduler.step()
    assert loss.item() < 1e-3 and sgd.param_groups[0]["lr"] == 0
