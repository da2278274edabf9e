"""Bursar: the budget engine for AI systems.

    import bursar

    bursar.allocate.choose(value, cost, budget)                             # all items known: who gets how much
    bursar.admit.make("dual-mirror-descent", budget, horizon=20_000)        # requests that come one by one
    bursar.explore.make("ucb1", arms=3)                                     # spending in order to learn
    bursar.schedule.Schedule("rex", steps=10_000, peak=0.1)                 # budgets over time
    bursar.ConfigSearch(stages, budget=900)                                 # models and samples of a chain
    bursar.sample.vote(answers)                                             # answers of a model asked more than once
    bursar.agree.decide(wishes)                                             # parties that want different things
    bursar.Client("http://127.0.0.1:8484", key=…).account("acme")["limits"] # a running gateway
    bursar.torch.BudgetLR(optimiser, total=10_000)                          # after `import bursar.torch`

NumPy arrays go in and come out without copies; long calls release the interpreter lock and end on Ctrl-C; what goes
wrong is a `bursar.Error` with the text that the command line would print. `docs/python.md` is a tour.
"""

from . import admit, agree, allocate, errors, explore, plan, sample, schedule
from ._native import version as __version__
from .client import Client
from .errors import (
    AlreadyExists,
    Cancelled,
    Corrupt,
    Error,
    Exhausted,
    Infeasible,
    Internal,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Timeout,
    Unavailable,
    WrongType,
)
from .plan import ConfigSearch

__all__ = [
    "AlreadyExists", "Cancelled", "Client", "ConfigSearch", "Corrupt", "Error", "Exhausted", "Infeasible", "Internal",
    "InvalidArgument", "NotFound", "PermissionDenied", "Timeout", "Unavailable", "WrongType", "__version__", "admit",
    "agree", "allocate", "errors", "explore", "plan", "sample", "schedule",
]
