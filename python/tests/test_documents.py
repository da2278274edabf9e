"""The tour of docs/python.md and the examples of the docstrings run, and print what they say."""

import doctest
import importlib
import importlib.util
from pathlib import Path

import pytest

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
TORCH = importlib.util.find_spec("torch") is not None
TOUR = Path(__file__).resolve().parents[2] / "docs" / "python.md"


def program_of(text):
    """The Python blocks of a document, its other lines blank; those that want torch only where it is."""
    lines, block = [], None
    for line in text.splitlines():
        if line.startswith("```"):
            if block is not None:
                wanted = block[0] == "```python" and (TORCH or not any("torch" in one for one in block))
                lines += ["", *(block[1:] if wanted else [""] * (len(block) - 1))]
            block = [line] if block is None else None
        elif block is not None:
            block.append(line)
            continue
        if block is None:
            lines.append("")
    return "\n".join(lines) + "\n"


def test_the_tour_runs():
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(doctest.DocTestParser().get_doctest(program_of(TOUR.read_text()), {}, TOUR.name, str(TOUR), 0))
    assert runner.tries > 40 and runner.failures == 0


@pytest.mark.parametrize("name", ["agree", "allocate", "plan", "sample", "schedule"])
def test_the_examples_of_docstrings_run(name):
    results = doctest.testmod(importlib.import_module("bursar." + name), optionflags=FLAGS)
    assert results.attempted > 0 and results.failed == 0
