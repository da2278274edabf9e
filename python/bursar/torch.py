"""Learning rates of bursar.schedule for PyTorch's optimisers.

    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = bursar.torch.BudgetLR(optimiser, total=10_000, profile="rex", warmup=500)
    for batch in batches:
        …; optimiser.step(); scheduler.step()

Imported on demand: `import bursar` does not import torch.
"""

from __future__ import annotations

from typing import Any, Sequence, TypeVar, Union

from torch.optim import Optimizer
from torch.optim import lr_scheduler as _torch

from .errors import InvalidArgument
from .schedule import Profile, Schedule

__all__ = ["BudgetLR"]

_LRScheduler: Any = getattr(_torch, "LRScheduler", None) or _torch._LRScheduler  # public since PyTorch 2.0

T = TypeVar("T")
PerGroup = Union[T, Sequence[T]]


class BudgetLR(_LRScheduler):  # type: ignore[misc]
    """Sets the rate of each parameter group to a profile over a budget of steps; the group's first rate is its peak.

    A group's rate before step t is exactly Schedule(profile, steps=total, peak=its first rate, …)(t), times what other
    schedulers chained to the same optimiser have multiplied it by. Where the schedule's rate is 0 such factors cannot
    be seen, and those of that step are lost. Steps past the budget take p(1), which is the floor.

    Args:
        optimizer: of PyTorch.
        total: steps of the budget.
        profile: words or a bursar.schedule.Profile; a list of them: one a parameter group.
        floor, warmup_from: rates; or one a group.
        warmup: steps.
        every, at: how often the profile is read (bursar.schedule.Schedule).
        last_epoch: steps that are done; -1: none, and the rates of the optimiser are the peaks.
    """

    def __init__(self, optimizer: Optimizer, total: int, profile: PerGroup[str | Profile] = "rex", *,
                 floor: PerGroup[float] = 0.0, warmup: int = 0, warmup_from: PerGroup[float] = 0.0, every: int = 1,
                 at: Sequence[float] | None = None, last_epoch: int = -1) -> None:
        groups = optimizer.param_groups
        if last_epoch != -1 and any("initial_lr" not in group for group in groups):
            raise InvalidArgument("last_epoch: the optimiser's groups have no initial_lr; resume with load_state_dict")
        profiles = _each(profile, len(groups), "profile", (str, Profile))
        floors = _each(floor, len(groups), "floor", (int, float))
        starts = _each(warmup_from, len(groups), "warmup_from", (int, float))
        peaks = [float(group.get("initial_lr", group["lr"])) for group in groups]  # as PyTorch's base_lrs
        self._schedules = [
            Schedule(profiles[g], steps=total, peak=peaks[g], floor=floors[g], warmup=warmup, warmup_from=starts[g],
                     every=every, at=at) for g in range(len(groups))]
        self._factors = [1.0] * len(groups)
        self._set: list[float] | None = None
        super().__init__(optimizer, last_epoch)

    @property
    def total(self) -> int:
        """Steps of the budget."""
        return self._schedules[0].total

    def set_budget(self, total: int) -> None:
        """The budget becomes `total` steps in all: rates go on from where they are, and end where it ends now."""
        self._schedules = [schedule.with_budget(self.last_epoch, total) for schedule in self._schedules]

    def get_lr(self) -> list[float]:
        """The rates for the step that comes, one a group. Called by step()."""
        self._note_factors()
        return self._rates()

    def _get_closed_form_lr(self) -> list[float]:  # of step(epoch), such as SequentialLR's
        self._factors = [1.0] * len(self._schedules)
        return self._rates()

    def _rates(self) -> list[float]:
        step = max(int(self.last_epoch), 0)
        plain = [schedule(step) for schedule in self._schedules]
        self._set = [rate * factor for rate, factor in zip(plain, self._factors)]
        return list(self._set)

    def _note_factors(self) -> None:
        for g, group in enumerate(self.optimizer.param_groups):
            if self.last_epoch == 0:
                before = float(group["initial_lr"])
                self._factors[g] = 1.0 if before == 0 else float(group["lr"]) / before
            elif self._set is not None and self._set[g] != 0 and group["lr"] != self._set[g]:
                self._factors[g] *= float(group["lr"]) / self._set[g]

    def state_dict(self) -> dict[str, Any]:
        """The state, without the optimiser; picklable where every profile has words."""
        return {name: value for name, value in self.__dict__.items() if name not in ("optimizer", "_schedules")} | {
            "_schedules": list(self._schedules), "_factors": list(self._factors)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from a state_dict(); load the optimiser's first."""
        if len(state_dict["_schedules"]) != len(self.optimizer.param_groups):
            raise InvalidArgument(f"state_dict: has {len(state_dict['_schedules'])} groups, the optimiser "
                                  f"{len(self.optimizer.param_groups)}")
        self.__dict__.update(state_dict | {"_schedules": list(state_dict["_schedules"]),
                                           "_factors": list(state_dict["_factors"])})


def _each(value: Any, groups: int, field: str, single: tuple[type, ...]) -> list[Any]:
    if isinstance(value, single):
        return [value] * groups
    each = list(value)
    if len(each) != groups:
        raise InvalidArgument(f"{field}: has {len(each)} values for {groups} parameter groups")
    return each
