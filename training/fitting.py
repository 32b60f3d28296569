"""Fitting kinds of model, many at once where there is work for more than one core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from recomart.step import Progress, no_progress
from training.behaviour import Events
from training.fit_task import FitTask
from training.interactions import Interactions
from training.kinds import Fit, Kind
from training.labels import ShopData
from training.model import Model
from training.pools import Pool
from training.workers import run_calls

WORTH_A_PROCESS = 10_000_000
"""Labels times passes, some 7 s of SVD's descent. A process of its own takes 2 s to begin."""


@dataclass(frozen=True)
class Wanted:
    """A fit that is wanted."""

    kind: Kind
    task: FitTask
    parameters: Mapping[str, Any]


def task_of(
    data: ShopData,
    known: Interactions,
    events: Events,
    cut: np.datetime64,
    *,
    seed: int,
    stops: tuple[int, ...] = (),
    base: Mapping[str, Model] | None = None,
    pools: tuple[Pool, ...] = (),
) -> FitTask:
    """What a kind may learn from as of a cut: of labels, one per user and product."""
    return FitTask(
        known=known.one_per_pair(highest=data.label_kind != "rating"),
        events=events,
        cut=cut,
        users=len(data.users),
        products=len(data.products),
        categories=data.category_numbers,
        scale=data.rules.scale,
        relevant=data.rules.relevant,
        seed=seed,
        stops=stops,
        base=base or {},
        pools=pools,
    )


def fit_many(
    wanted: Sequence[Wanted], *, threads: int = 1, progress: Progress = no_progress
) -> list[Fit | None]:
    """Fit all, in their order. What is learned does not depend on `threads`.

    Fits with passes are long, and the interpreter's lock keeps two of them from running at once:
    each gets a process where it is worth one. The others compute in NumPy, without the lock.

    Args:
        progress: called as (kind, passes begun, passes of all fits).
    """
    quick = [at for at, one in enumerate(wanted) if one.kind.passes(one.task) == 0]
    found: list[Fit | None] = [None] * len(wanted)
    with ThreadPoolExecutor(threads) as pool:
        fits = pool.map(lambda at: _fit(wanted[at]), quick)
        for at, fit in zip(quick, fits, strict=True):
            found[at] = fit
    for at, fit in _fit_with_passes(wanted, threads, progress).items():
        found[at] = fit
    return found


def _fit(one: Wanted) -> Fit | None:
    return one.kind.fit(one.task, one.parameters, progress=no_progress)


def _fit_with_passes(
    wanted: Sequence[Wanted], processes: int, progress: Progress
) -> dict[int, Fit | None]:
    """The fits that take time, by their place: the longest begin first."""
    passes = {at: n for at, one in enumerate(wanted) if (n := one.kind.passes(one.task)) > 0}
    work = {at: len(wanted[at].task.known) * number for at, number in passes.items()}
    longest_first = sorted(work, key=lambda at: -work[at])
    in_all, begun = sum(passes.values()), 0

    def count(what: str, _pass: int, _passes: int) -> None:
        nonlocal begun
        begun += 1
        progress(what, begun, in_all)

    calls = [
        partial(wanted[at].kind.fit, wanted[at].task, wanted[at].parameters) for at in longest_first
    ]
    fitted = run_calls(
        calls,
        processes=max(1, min(processes, sum(work.values()) // WORTH_A_PROCESS)),
        progress=count,
    )
    return dict(zip(longest_first, fitted, strict=True))
