"""Budgets over time: learning rates, token budgets and other numbers as exact functions of (step, budget).

    rate = schedule.Schedule("rex", steps=10_000, peak=0.1, warmup=500)
    rate(0), rate(9_999)                       # one step
    rate.table()                               # all of them, float64 [steps]
    rate = rate.with_budget(6_000, 25_000)     # after 6,000 steps the budget grows: it goes on from where it is

Profiles are the shapes: "linear", "cosine", "rex", "uba:phi=.5", … (`profiles()` lists them, "uba:phi=.25,mobius=3"
bends one). Which one? rex or uba:phi=.5 where the budget is tight; `advise_phi` tells phi. For PyTorch:
bursar.torch.BudgetLR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Sequence, overload

import numpy as np

from . import _native
from ._native import BudgetCurriculum, Plateau, Profile
from .errors import InvalidArgument

if TYPE_CHECKING:
    from ._types import DoubleArray, Integers

__all__ = ["BudgetCurriculum", "PhiAdvice", "PhiLoss", "Plateau", "Profile", "ProfileEntry", "Schedule", "advise_phi",
           "profiles"]


class ProfileEntry(NamedTuple):
    """A profile by name; `parameters` with their defaults, as words."""

    name: str
    about: str
    parameters: str


def profiles() -> tuple[ProfileEntry, ...]:
    """Every profile that words make."""
    return tuple(ProfileEntry(*entry) for entry in _native.profiles())


def _phase(profile: str | Profile, steps: int, peak: float, floor: float, warmup: int, warmup_from: float, every: int,
           at: Sequence[float] | None) -> dict[str, Any]:
    return {"profile": Profile(profile) if isinstance(profile, str) else profile, "steps": steps, "peak": peak,
            "floor": floor, "warmup": warmup, "warmup_from": warmup_from, "every": every,
            "at": None if at is None else [float(share) for share in at]}


class Schedule:
    """A profile between a peak and a floor over a budget of steps.

    The first `warmup` steps x rise in a line from `warmup_from`, so that the first step after them takes the peak; then
    floor + (peak - floor) p(s) with s = (x - warmup) / (steps - warmup), read every `every` steps or at the shares
    `at`. Steps at and past the end read p(1). Schedules do not change; they can be pickled where their profiles
    have words.

    Args:
        profile: words ("rex", "uba:phi=.25") or a Profile.
        steps: of the budget, the warm-up included.
        peak, floor: the largest and the smallest value.
        warmup: steps.
        warmup_from: where the warm-up begins.
        every: steps between two readings of the profile.
        at: shares at which it is read instead, such as [.5, .75].
    """

    def __init__(self, profile: str | Profile = "linear", *, steps: int, peak: float = 1.0, floor: float = 0.0,
                 warmup: int = 0, warmup_from: float = 0.0, every: int = 1, at: Sequence[float] | None = None) -> None:
        self._phases: tuple[dict[str, Any], ...] = (
            _phase(profile, steps, peak, floor, warmup, warmup_from, every, at),)
        self._changes: tuple[tuple[int, int], ...] = ()
        self._native = _native.Schedule(list(self._phases))

    @classmethod
    def _made(cls, phases: tuple[dict[str, Any], ...], changes: tuple[tuple[int, int], ...] = (),
              native: _native.Schedule | None = None) -> Schedule:
        made = cls.__new__(cls)
        made._phases = phases
        made._changes = changes
        if native is None:
            native = _native.Schedule(list(phases))
            for done, total in changes:
                native = native.with_budget(done, total)
        made._native = native
        return made

    @classmethod
    def phases(cls, schedules: Sequence[Schedule]) -> Schedule:
        """One after the other. Schedules whose budget was changed are refused: change that of the whole."""
        for number, one in enumerate(schedules):
            if one._changes:
                raise InvalidArgument(f"schedules[{number}]: its budget was changed; change the budget of the whole")
        return cls._made(tuple(phase for one in schedules for phase in one._phases))

    def restarts(self, count: int, *, growth: float = 1.0, decay: float = 1.0) -> Schedule:
        """`count` phases like this one, each `growth` times as long as the last and with `decay` of its peak."""
        if len(self._phases) > 1 or self._changes:
            raise InvalidArgument("restarts: are of one phase whose budget was not changed")
        phases = []
        steps, peak = float(self._phases[0]["steps"]), float(self._phases[0]["peak"])
        native = _native.Schedule.restarts(self._phases[0], count, growth, decay)
        for _ in range(count):
            top = max(peak, self._phases[0]["floor"])
            phases.append(self._phases[0] | {"steps": int(steps + 0.5), "peak": top,
                                             "warmup_from": min(self._phases[0]["warmup_from"], top)})
            steps, peak = steps * growth, peak * decay
        return self._made(tuple(phases), (), native)

    def with_budget(self, done: int, total: int) -> Schedule:
        """The schedule after `done` steps when the budget becomes `total` in all, those that are done included.

        Steps that are done keep their values; what was left is read over the steps that are left now.
        """
        return self._made(self._phases, (*self._changes, (done, total)), self._native.with_budget(done, total))

    @overload
    def __call__(self, step: int) -> float: ...
    @overload
    def __call__(self, step: Integers) -> DoubleArray: ...
    def __call__(self, step: int | Integers) -> float | DoubleArray:
        """At one step, or at an array of them (int64)."""
        if isinstance(step, (int, np.integer)):
            return self._native.at(int(step))
        return self._native.read(step)

    def table(self) -> DoubleArray:
        """[total]: of all steps."""
        return self._native.table()

    def write(self, first: int, out: DoubleArray) -> None:
        """Writes steps first, first + 1, … into `out`, which is all of the memory that is used."""
        self._native.write(first, out)

    @property
    def total(self) -> int:
        """Steps of the budget."""
        return self._native.total

    @property
    def peak(self) -> float:
        """The largest of all phases."""
        return self._native.peak

    def __reduce__(self) -> tuple[Any, ...]:
        return (Schedule._made, (self._phases, self._changes))

    def __repr__(self) -> str:
        names = " + ".join([phase["profile"].name for phase in self._phases[:4]] + ["…"] * (len(self._phases) > 4))
        return f"Schedule({names}, {self.total} steps, peak {self.peak:g})"


class PhiLoss(NamedTuple):
    """What a phi loses in the model, at its best peak (in units of 1 / the largest curvature)."""

    phi: float
    loss: float
    peak: float


@dataclass(frozen=True)
class PhiAdvice:
    """The phi of least loss, and what each candidate loses."""

    phi: float
    losses: tuple[PhiLoss, ...]


def advise_phi(kappa: float, total: int, noise: float = 0.01) -> PhiAdvice:
    """Which phi of the profile "uba" suits a budget, by a noisy quadratic of condition number `kappa`.

    >>> advise_phi(kappa=1e3, total=300).phi
    1.0
    """
    phi, losses = _native.advise_phi(kappa, total, noise)
    return PhiAdvice(phi, tuple(PhiLoss(*loss) for loss in losses))
