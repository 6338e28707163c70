"""Builds and loads the Cython baseline.

What: `load("cython_scan")` compiles `cython_scan.pyx` beside this file once and imports it; `python build.py` does the
same by hand. Invariants: the compiled file lies in a cache folder (`ALLOMATCH_BASELINES_CACHE`, otherwise the user's
cache) under a name made of the source, the Cython and the Python version, so a change of any of them rebuilds and
nothing is written beside the sources; -O3 and no machine-specific flags, as for everything that allomatch ships.
Why not a part of the package's build: users of the library have no use for it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sys
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

_HERE = Path(__file__).resolve().parent


def cache_folder() -> Path:
    """Where compiled baselines are kept."""
    given = os.environ.get("ALLOMATCH_BASELINES_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "allomatch-baselines"


def load(name: str) -> ModuleType:
    """Import the module `name` compiled from `<name>.pyx`, building it if the cache has none of this source.

    Raises:
        FileNotFoundError: No such source.
        ImportError: Cython or setuptools is missing (for Cython its child PackageNotFoundError).
        distutils.errors.CompileError: The compiler is missing or fails.
    """
    source = _HERE / f"{name}.pyx"
    key = hashlib.sha256(source.read_bytes() + f"{version('Cython')} {sys.version}".encode()).hexdigest()[:16]
    binary = cache_folder() / key / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    if not binary.exists():
        _build(source, binary)
    spec = importlib.util.spec_from_file_location(name, binary)
    if spec is None or spec.loader is None:
        raise ImportError(f"{binary} cannot be loaded: delete it, and it will be built again")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _build(source: Path, binary: Path) -> None:
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension  # type: ignore[import-untyped, unused-ignore]

    optimise = ["/O2"] if os.name == "nt" else ["-O3"]
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(source, folder)
        extension = Extension(source.stem, [str(copy)], extra_compile_args=optimise)
        distribution = Distribution({"ext_modules": cythonize([extension], quiet=True)})  # type: ignore[no-untyped-call, unused-ignore]
        command = distribution.get_command_obj("build_ext")
        command.build_lib = command.build_temp = folder
        command.ensure_finalized()
        command.run()
        built = Path(folder) / Path(command.get_ext_filename(source.stem)).name
        binary.parent.mkdir(parents=True, exist_ok=True)
        # Renamed into place, so that two runs at once never load half a file.
        part = binary.with_name(f"{binary.name}.{os.getpid()}")
        shutil.copy(built, part)
        part.replace(binary)


if __name__ == "__main__":
    print(load("cython_scan").__file__)
