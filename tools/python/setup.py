"""Puts libdlrun.so into the package when it is built.

The library is, in this order: the one that DLRUN_LIBRARY names; the checkout's, which tools/install
builds first where it is missing or older than its sources.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.errors import ExecError

ROOT = Path(__file__).resolve().parents[2]
# Outside the checkout: what setuptools leaves there would go into the next wheel.
SCRATCH = tempfile.mkdtemp(prefix="dlrun-build-")


def newest_source():
    """When the library's sources last changed, in seconds since 1970."""
    files = [ROOT / "Package.swift", ROOT / "tools" / "install"]
    files += [p for p in (ROOT / "Sources").rglob("*") if p.is_file()]
    return max(p.stat().st_mtime for p in files)


def find_library():
    """The library to put into the package, built if it has to be."""
    named = os.environ.get("DLRUN_LIBRARY")
    if named:
        if not os.path.isfile(named):
            raise ExecError(f"DLRUN_LIBRARY is {named}, which is no file")
        return Path(named)
    installer = ROOT / "tools" / "install"
    if not installer.is_file():
        raise ExecError(
            "libdlrun.so is built from dlrun's checkout, and this is not in one: install from there "
            "with `pip install ./tools/python`, or name a library in DLRUN_LIBRARY")
    built = ROOT / ".build" / "install" / "lib" / "libdlrun.so"
    if not built.is_file() or built.stat().st_mtime < newest_source():
        status = subprocess.call([str(installer), "--library-only"])
        if status != 0:
            raise ExecError(f"`tools/install --library-only` ended with status {status}")
    return built


class BuildWithLibrary(build_py):
    def run(self):
        super().run()
        library = find_library()
        if not getattr(self, "editable_mode", False):
            target = Path(self.build_lib) / "dlrun" / "libdlrun.so"
            self.mkpath(str(target.parent))
            shutil.copyfile(library, target)

    def get_outputs(self, include_bytecode=1):
        outputs = super().get_outputs(include_bytecode)
        return [*outputs, os.path.join(self.build_lib, "dlrun", "libdlrun.so")]


class PlatformWheel(bdist_wheel):
    """A wheel for any Python 3 on machines with the C library that libdlrun.so needs."""

    def get_tag(self):
        _, _, platform = super().get_tag()
        architecture = platform.removeprefix("linux_")
        versions = re.findall(rb"\0GLIBC_2\.(\d+)(?=\0)", find_library().read_bytes())
        minor = max((int(v) for v in versions), default=0)
        if platform.startswith("linux_") and minor > 0:
            platform = f"manylinux_2_{minor}_{architecture}"
        return "py3", "none", platform


class PlatformDistribution(Distribution):
    def has_ext_modules(self):
        return True


setup(
    distclass=PlatformDistribution,
    cmdclass={"build_py": BuildWithLibrary, "bdist_wheel": PlatformWheel},
    options={"build": {"build_base": SCRATCH}, "egg_info": {"egg_base": SCRATCH}},
)
