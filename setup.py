"""The package `bursar`: its compiled module is the CMake target bursar_python, its version that of CMakeLists.txt.

pip install . [--no-build-isolation]      after scripts/setup --native
BURSAR_BUILD=build/release pip install .  takes the libraries of a build that is there (configured for this interpreter)
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent


def version() -> str:
    found = re.search(r"project\(Bursar VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
    assert found, "CMakeLists.txt states no version"
    return found.group(1)


class CMakeBuild(build_ext):
    """Builds one target of the CMake project for the running interpreter, where the wheel wants the module."""

    def build_extension(self, extension: Extension) -> None:
        build = Path(self.build_temp).resolve() / "cmake"
        if shared := os.environ.get("BURSAR_BUILD"):
            build = ROOT / shared
        else:
            build.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                ["cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                 "-DBURSAR_TESTS=OFF", f"-DBURSAR_PYTHON={sys.executable}"], check=True)
        jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))
        subprocess.run(["cmake", "--build", str(build), "--target", "bursar_python", "--parallel", jobs], check=True)
        built, = (build / "python" / "bursar").glob("_native.*.so")
        target = Path(self.get_ext_fullpath(extension.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        self.copy_file(str(built), str(target))


setup(
    name="bursar",
    version=version(),
    description="The budget engine for AI systems: allocation, online policies, bandits, schedules, gateway client",
    long_description=(ROOT / "docs" / "python.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    install_requires=["numpy>=1.23"],
    extras_require={"torch": ["torch>=1.13"]},
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: C++",
        "Programming Language :: Python :: 3",
        "Typing :: Typed",
    ],
    packages=["bursar"],
    package_dir={"": "python"},
    package_data={"bursar": ["py.typed", "*.pyi"]},
    ext_modules=[Extension("bursar._native", sources=[])],
    cmdclass={"build_ext": CMakeBuild},
    zip_safe=False,
)
