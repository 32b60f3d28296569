"""Tuning: random search over the spaces that the kinds declare, on the validation case alone.

Random search is as good as anything cleverer in a few dozen tries of a few parameters (Bergstra and
Bengio, Random search for hyper-parameter optimization, JMLR 2012), and a run that was interrupted
goes on where it stopped: every try is on disk before the next begins, and no parameters are tried
twice. The test case is never looked at.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from feature_store.snapshots import current_snapshot
from recomart.errors import NotReady
from recomart.settings import Settings
from recomart.step import Progress, no_progress
from training.blas import one_blas_thread
from training.experiment import Workbench
from training.kinds import KINDS, Kind
from training.labels import load_shop_data
from training.protocols.time import PROTOCOL
from training.runner import Runner
from training.tuned import Try, add_try, best_parameters, read_tries

MAX_DRAWS = 200
"""Draws in a row that were all tried before: then the space of a kind is exhausted."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tuned:
    """What a run of tuning did.

    Args:
        tries: that it made.
        best: by kind, the parameters that the next training uses.
        before, after: by kind, nDCG@10 of the parameters that training would have chosen, and of
            the best ones.
    """

    tries: int
    best: Mapping[str, Mapping[str, Any]]
    before: Mapping[str, float]
    after: Mapping[str, float]


def tune(
    settings: Settings,
    *,
    minutes: float,
    kinds: Sequence[str] = (),
    progress: Progress = no_progress,
    clock: Callable[[], float] = time.monotonic,
) -> Tuned:
    """Try parameters for some minutes, the kinds in turn.

    Args:
        minutes: no try begins later than that; the one that runs is finished.
        kinds: names; all that declare a space, unless given.
        clock: in seconds.

    Raises:
        NothingPublished: there are no published features.
        UnknownName: no kind has a name that is given.
        NotReady: the shop has too few days of labels for a validation case.
    """
    wanted = [KINDS.get(name) for name in kinds] or [kind for kind in KINDS if kind.space]
    snapshot = current_snapshot(settings)
    data = load_shop_data(snapshot.folder)

    def open_store() -> Any:
        from feature_store.stores import open_store

        return open_store(settings, snapshot)

    end = clock() + 60 * minutes
    run = Runner(data, snapshot.folder, open_store, settings.seed, settings.threads, progress)
    cases = PROTOCOL.cases(data, seed=settings.seed)
    if cases.validation is None:
        raise NotReady(
            "the shop's labels are all of one day, so that no parameters can be compared",
            help="tune when there is more data",
        )
    made = 0
    with one_blas_thread():
        bench = Workbench(run, cases, best_parameters(settings), serve=False)
        bench.choose_base()
        bench.fit_base()
        bench.make_pools()
        bench.fit_combiners()
        before = {name: found.scores.ndcg_at_10 for name, found in bench.validation.items()}
        after = dict(before)
        tried = {
            (one.kind, _key(one.parameters))
            for one in read_tries(settings)
            if one.snapshot == snapshot.hash
        }
        for name, parameters in bench.chosen.items():
            if name in before and (name, _key(parameters)) not in tried:
                add_try(settings, Try(name, parameters, before[name], snapshot.hash, 0.0))
                tried.add((name, _key(parameters)))
        for kind, parameters in _draws(wanted, tried, settings.seed + len(tried)):
            if clock() >= end:
                break
            progress(f"tune {kind.name}", made, 0)
            started = time.perf_counter()
            found = bench.try_on_validation(kind, parameters)
            seconds = time.perf_counter() - started
            figure = None if found is None else float(found.scores.ndcg_at_10)
            add_try(settings, Try(kind.name, parameters, figure, snapshot.hash, seconds))
            log.info("tune %s %s: %s in %.1f s", kind.name, dict(parameters), figure, seconds)
            if figure is not None:
                after[kind.name] = max(after.get(kind.name, 0.0), figure)
            made += 1
    return Tuned(made, best_parameters(settings), before, after)


def _draws(
    kinds: Sequence[Kind], tried: set[tuple[str, str]], seed: int
) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
    """Parameters that were not tried, the kinds in turn; ends when every space is exhausted."""
    random = np.random.default_rng(seed)
    left = list(kinds)
    while left:
        for kind in list(left):
            for _ in range(MAX_DRAWS):
                drawn = {
                    name: values[int(random.integers(len(values)))]
                    for name, values in kind.space.items()
                }
                parameters = {**kind.parameters, **drawn}
                if (kind.name, _key(parameters)) not in tried:
                    tried.add((kind.name, _key(parameters)))
                    yield kind, parameters
                    break
            else:
                left.remove(kind)


def _key(parameters: Mapping[str, Any]) -> str:
    return repr(sorted(parameters.items()))
