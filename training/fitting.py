"""Fitting every kind of model at each cut: those that learn from labels alone first, together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from recomart.step import Progress, no_progress
from training.examples import Examples
from training.fit_task import FitTask
from training.interactions import Interactions
from training.kinds import Fit, Kind, simplest_first
from training.labels import ShopData
from training.model import Model
from training.workers import run_calls

WORTH_A_PROCESS = 10_000_000
"""Labels times passes, some 7 s of SVD's descent. A process of its own takes 2 s to begin."""


@dataclass(frozen=True)
class LabelFits:
    """The models of one cut that learn from labels alone.

    Args:
        models: by kind, the simplest first.
        stages: of the kinds with passes: the model after each of the stops that were asked for.
    """

    models: dict[str, Model]
    stages: dict[str, tuple[Model, ...]]


def fit_on_labels(data: ShopData, cut: np.datetime64, *, seed: int) -> dict[str, Model]:
    """Fit the kinds that learn from labels alone on those before `cut`; models by kind."""
    ((fits),) = fit_at_cuts(data, [(cut, ())], seed=seed)
    return fits.models


def fit_at_cuts(
    data: ShopData,
    cuts: Sequence[tuple[np.datetime64, Sequence[int]]],
    *,
    seed: int,
    processes: int = 1,
    progress: Progress = no_progress,
) -> list[LabelFits]:
    """Fit the kinds that learn from labels alone at each cut.

    Args:
        cuts: each cut, and the numbers of passes after which models are wanted too.
        processes: how many may work at once, where there is enough to do for them.
        progress: called as (kind, passes begun, passes of all fits).
    """
    kinds = [kind for kind in simplest_first() if not kind.builds_on]
    tasks = [_task(data, cut, seed=seed, stops=tuple(stops)) for cut, stops in cuts]
    fits = {
        (at, kind.name): kind.fit(task, progress=no_progress)
        for at, task in enumerate(tasks)
        for kind in kinds
        if kind.passes(task) == 0
    }
    fits |= _fit_with_passes(kinds, tasks, processes, progress)
    found = []
    for at in range(len(cuts)):
        here = {kind.name: fit for kind in kinds if (fit := fits[at, kind.name]) is not None}
        found.append(
            LabelFits(
                {name: fit.model for name, fit in here.items()},
                {name: fit.stages for name, fit in here.items() if fit.stages},
            )
        )
    return found


def fit_on_base(
    data: ShopData,
    cut: np.datetime64,
    base: Mapping[str, Model],
    examples: Examples | None,
    *,
    seed: int,
) -> dict[str, Model]:
    """All models of a cut by kind, the simplest first: `base`, and the kinds that build on it.

    A kind that has too little to learn from is left out.

    Args:
        base: the cut's models that learn from labels alone.
        examples: of windows that end before the cut; None when there are none.
    """
    models = dict(base)
    for kind in simplest_first():
        if not kind.builds_on or not all(other in models for other in kind.builds_on):
            continue
        task = _task(data, cut, seed=seed, base=models, examples=examples)
        if (fit := kind.fit(task, progress=no_progress)) is not None:
            models[kind.name] = fit.model
    return models


def known_before(data: ShopData, cut: np.datetime64) -> Interactions:
    """What a model of a cut may learn from: the labels before it, one per user and product."""
    return data.labels.before(cut).one_per_pair(highest=data.label_kind != "rating")


def _fit_with_passes(
    kinds: Sequence[Kind], tasks: Sequence[FitTask], processes: int, progress: Progress
) -> dict[tuple[int, str], Fit | None]:
    """The fits that take time: the longest begin first, each in a process where it is worth one."""
    wanted = [
        (at, kind, passes)
        for kind in kinds
        for at, task in enumerate(tasks)
        if (passes := kind.passes(task)) > 0
    ]
    work = [len(tasks[at].known) * passes for at, _, passes in wanted]
    longest_first = sorted(range(len(work)), key=lambda number: -work[number])
    in_all = sum(passes for _, _, passes in wanted)
    begun = 0

    def count(what: str, _pass: int, _passes: int) -> None:
        nonlocal begun
        begun += 1
        progress(what, begun, in_all)

    fitted = run_calls(
        [partial(wanted[number][1].fit, tasks[wanted[number][0]]) for number in longest_first],
        processes=max(1, min(processes, sum(work) // WORTH_A_PROCESS)),
        progress=count,
    )
    return {
        (wanted[number][0], wanted[number][1].name): fit
        for number, fit in zip(longest_first, fitted, strict=True)
    }


def _task(
    data: ShopData,
    cut: np.datetime64,
    *,
    seed: int,
    stops: tuple[int, ...] = (),
    base: Mapping[str, Model] | None = None,
    examples: Examples | None = None,
) -> FitTask:
    return FitTask(
        known=known_before(data, cut),
        cut=cut,
        users=len(data.users),
        products=len(data.products),
        scale=data.rules.scale,
        relevant=data.rules.relevant,
        seed=seed,
        stops=stops,
        base=base or {},
        examples=examples,
    )
