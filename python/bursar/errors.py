"""What bursar raises: one class a code, and the same text as the command line and the gateway.

    try:
        bursar.allocate.choose(value, cost, budget)
    except bursar.Infeasible as error:
        print(error, error.code)          # "the cheapest options cost 12, 2 more than the budget; …", "infeasible"

Every class is an `Error`, and beside it the built-in exception that fits (`InvalidArgument` is a `ValueError`,
`NotFound` a `KeyError`, …), so that code that knows nothing of bursar catches it as well.
"""

from __future__ import annotations

import json
from typing import Any

__all__ = [
    "AlreadyExists", "Cancelled", "Corrupt", "Error", "Exhausted", "Infeasible", "Internal", "InvalidArgument",
    "NotFound", "PermissionDenied", "Timeout", "Unavailable", "WrongType",
]


class Error(Exception):
    """Anything that bursar refuses or fails at.

    Attributes:
        code: the stable name, such as "invalid_argument".
        message: names the field, the value and what to do.
        retryable: the very same call can succeed later.
        retry_after_s: seconds after which it can, where that is known.
        payload: recovery data for programs, or None.
        status: the HTTP status where the gateway answered, or None.
    """

    code = "internal"

    def __init__(self, message: str, *, retryable: bool = False, retry_after_s: float | None = None,
                 payload: Any = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.payload = payload
        self.status = status

    def __str__(self) -> str:  # a KeyError would show its repr
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuilt, (type(self), self.message, self.retryable, self.retry_after_s, self.payload, self.status))


def _rebuilt(kind: type[Error], message: str, retryable: bool, retry_after_s: float | None, payload: Any,
             status: int | None) -> Error:
    return kind(message, retryable=retryable, retry_after_s=retry_after_s, payload=payload, status=status)


class InvalidArgument(Error, ValueError):
    """The input itself is wrong; the same input fails again."""

    code = "invalid_argument"


class WrongType(InvalidArgument, TypeError):
    """An argument of the wrong type: an array of another dtype or layout, text where a number belongs."""


class NotFound(Error, KeyError):
    """A named thing does not exist."""

    code = "not_found"


class AlreadyExists(Error):
    """A name or key is taken by something else."""

    code = "already_exists"


class PermissionDenied(Error, PermissionError):
    """The caller may not."""

    code = "permission_denied"


class Infeasible(Error):
    """No answer satisfies the constraints."""

    code = "infeasible"


class Exhausted(Error):
    """A budget or a limit is used up."""

    code = "exhausted"


class Unavailable(Error, ConnectionError):
    """Something outside did not answer; it may later."""

    code = "unavailable"


class Timeout(Error, TimeoutError):
    """A deadline passed."""

    code = "timeout"


class Cancelled(Error):
    """The caller gave up."""

    code = "cancelled"


class Corrupt(Error, ValueError):
    """Stored data contradicts itself."""

    code = "corrupt"


class Internal(Error, RuntimeError):
    """A bug of bursar's."""

    code = "internal"


for _name in __all__:  # bursar.Infeasible is what tracebacks show and users write
    globals()[_name].__module__ = "bursar"

_BY_CODE: dict[str, type[Error]] = {
    kind.code: kind
    for kind in (InvalidArgument, NotFound, AlreadyExists, PermissionDenied, Infeasible, Exhausted, Unavailable,
                 Timeout, Cancelled, Corrupt, Internal)
} | {"wrong_type": WrongType}


def error_of(code: str, message: str, retryable: bool = False, retry_after_s: float | None = None,
             payload: Any = None, status: int | None = None) -> Error:
    """The exception of a code; a code that is not known here gives an `Error` that carries it."""
    if isinstance(payload, str):
        payload = json.loads(payload) if payload else None
    kind = _BY_CODE.get(code, Error)
    error = kind(message, retryable=retryable, retry_after_s=retry_after_s, payload=payload, status=status)
    if kind is Error:
        error.code = code
    return error
