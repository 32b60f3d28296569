"""Import Feast without typeguard's instrumentation, which is half of what the import costs.

Feast decorates its classes with typeguard's `@typechecked`. At import, typeguard parses the source
of every such class again and compiles it with a check of each argument and result: 2.6 of 5.5
seconds, in every process. The checks guard Feast's own code; RecoMart's is checked by mypy and by tests.

`skip_type_checks` puts a finder in front of Python's own. While a module of Feast runs for the
first time, `typeguard.typechecked` returns the classes and functions of Feast as they are, and
treats all others as always; afterwards it is typeguard's own again. Nothing else is changed: Feast's
files, other users of typeguard, and `typeguard.check_type` stay as they are.

The package `feature_store` calls it when it is imported. Where Feast was imported before, as in a
`feast apply` by hand, it has no effect on what is loaded already.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PACKAGE = "feast"


def skip_type_checks() -> None:
    """Import Feast's modules without instrumentation from now on; a second call changes nothing."""
    if not any(isinstance(finder, _FeastFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _FeastFinder())


class _FeastFinder(MetaPathFinder):
    """Finds Feast's modules by the other finders, and has them run inside `_unchecked`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not _is_feast(fullname):
            return None
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                _run_unchecked(spec)
                return spec
        return None


def _run_unchecked(spec: ModuleSpec) -> None:
    """Replace `exec_module` of this one loader: everything else that it offers stays its own."""
    loader: Any = spec.loader
    if not hasattr(loader, "exec_module"):  # a namespace package: nothing to run
        return
    run: Callable[[ModuleType], None] = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        with _unchecked:
            run(module)

    loader.exec_module = exec_module


class _Unchecked:
    """While any thread is inside, `typeguard.typechecked` leaves Feast's classes as they are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._original: Any = None

    def __enter__(self) -> None:
        import typeguard

        with self._lock:
            if self._inside == 0:
                self._original = original = typeguard.typechecked

                def typechecked(target: Any = None, **options: Any) -> Any:
                    if _is_feast(getattr(target, "__module__", None) or ""):
                        return target
                    return original(target, **options)

                typeguard.typechecked = typechecked
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        import typeguard

        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                typeguard.typechecked = self._original


_unchecked = _Unchecked()


def _is_feast(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")
