"""What bursar.admit and bursar.explore have in common: policies by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import _native


@dataclass(frozen=True)
class Parameter:
    """A parameter of a policy: `preset` is its default; where `required` is true it has none."""

    name: str
    about: str
    preset: Any
    required: bool


@dataclass(frozen=True)
class PolicyEntry:
    """A policy that can be made by name; `system` is the published one that it comes from."""

    name: str
    system: str
    about: str
    parameters: tuple[Parameter, ...]


def entries(room: str) -> tuple[PolicyEntry, ...]:
    return tuple(
        PolicyEntry(e["name"], e["system"], e["about"], tuple(Parameter(**p) for p in e["parameters"]))
        for e in _native.policies(room))
