"""The package's types: every public name has them, and the stub is what was compiled (mypy: the test python_types)."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

import bursar
from bursar import _native

PACKAGE = Path(bursar.__file__).parent
MODULES = ["admit", "agree", "allocate", "client", "errors", "explore", "sample", "schedule"]


def functions(thing):
    if inspect.isclass(thing) and thing.__module__.startswith("bursar") and thing.__module__ != "bursar._native":
        return [member for name, member in vars(thing).items()
                if inspect.isfunction(member) and (name == "__init__" or not name.startswith("_"))]
    return [thing] if inspect.isfunction(thing) else []


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_has_a_docstring_and_types(name):
    module = importlib.import_module("bursar." + name)
    assert module.__doc__ and module.__all__ == sorted(module.__all__)
    for public in module.__all__:
        thing = getattr(module, public)
        assert inspect.getdoc(thing), public
        for function in functions(thing):
            parameters = inspect.signature(function).parameters
            typed = set(function.__annotations__)
            assert {p for p in parameters if p != "self"} <= typed and "return" in typed, (public, function)
            assert function.__name__ == "__init__" or function.__doc__, (public, function)


def test_everything_compiled_stands_in_the_stub():
    stub = (PACKAGE / "_native.pyi").read_text()
    listed = set(re.findall(r"^(?:def|class) (\w+)|^(\w+):", stub, re.M))
    names = {a or b for a, b in listed}
    assert names == {name for name in vars(_native) if not name.startswith("__")}
    for name, kind in vars(_native).items():
        if inspect.isclass(kind):
            body = re.search(rf"^class {name}\b.*?(?=^\S|\Z)", stub, re.M | re.S).group(0)
            members = {m for m in vars(kind) if not m.startswith("_")}
            assert members == set(re.findall(r"def (\w+)\(", body)) - {"__init__", "__call__"}, name
            assert all(inspect.getdoc(getattr(kind, m)) for m in members), name


def test_the_package_says_that_it_is_typed_and_its_version():
    assert (PACKAGE / "py.typed").exists()
    stated = re.search(r"project\(Bursar VERSION ([0-9.]+)", (Path(__file__).parents[2] / "CMakeLists.txt").read_text())
    assert bursar.__version__ == stated.group(1)
    assert bursar.__all__ == sorted(bursar.__all__) and all(hasattr(bursar, name) for name in bursar.__all__)
