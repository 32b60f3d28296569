"""The step `train`: published features in, compared and registered models out."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feature_store import snapshots
from feature_store.model_evaluation import Evaluation
from feature_store.snapshots import Snapshot
from recomart.settings import Settings
from recomart.step import Progress, StepResult, no_progress
from training.blas import one_blas_thread
from training.comparison import Comparison, Measured
from training.evaluation import evaluation_of
from training.experiment import Experiment, run_experiment
from training.labels import ShopData, load_shop_data
from training.protocols import Protocol
from training.protocols.time import PROTOCOL as BY_TIME
from training.tracking import record
from training.tuned import best_parameters

if TYPE_CHECKING:
    from feast import FeatureStore

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainSummary:
    """What was trained.

    Args:
        champion: the kind that was best.
        versions: registered version by kind.
        validation, test: what was measured, by kind; empty where the shop has too few days.
        comparison: of the champion with the best simple rule.
        labels: that were learned from.
        run_id: the parent run in MLflow.
        snapshot: the hash of the features that were learned from.
        serves: whether the champion serves from now on.
    """

    champion: str
    versions: dict[str, str]
    validation: dict[str, Measured]
    test: dict[str, Measured]
    comparison: Comparison | None
    labels: int
    run_id: str
    snapshot: str
    serves: bool

    def result(self) -> StepResult:
        """One line: which model serves, what chose it, and its lift over the best simple rule."""
        best = f"{self.champion} v{self.versions[self.champion]}"
        detail = f"champion {best}"
        if not self.serves:
            detail = f"from snapshot {self.snapshot}: best {best}, the champion stays"
        if self.champion in self.validation:
            chosen = self.validation[self.champion].scores.ndcg_at_10
            detail += f" · validation nDCG@10 {chosen:.3f}"
        if (found := self.comparison) is not None:
            window = "test" if self.test else "validation"
            detail += (
                f" · {window} {found.champion_ndcg.mean:.3f}, {found.rule} "
                f"{found.rule_ndcg.mean:.3f}: {found.verdict}"
            )
        return StepResult(len(self.versions), "models", detail)


def train(
    settings: Settings,
    *,
    features: str | None = None,
    as_known_then: bool = False,
    progress: Progress = no_progress,
) -> TrainSummary:
    """Train every kind on one snapshot, compare them, and register them in MLflow.

    The same snapshot, seed and code give the same models, to the bit.

    Args:
        features: the hash of a kept snapshot, or the beginning of it. Models of one that is not
            current are registered, but serve nobody: no alias moves. Without it, the newest.
        as_known_then: learn from features as they were known at each label's time; without it as
            they are known now, with what came late and what was corrected since.

    Raises:
        NothingPublished: there are no published features.
        UnknownName: no snapshot has this hash.
        NotReady: the shop has no interactions to learn from.
    """
    current = snapshots.current_snapshot(settings)
    snapshot = current if features is None else snapshots.find_snapshot(settings, features)
    os.utime(snapshot.folder)  # in use: a publish meanwhile must not remove it as the oldest
    data = load_shop_data(snapshot.folder)

    experiment, evaluation = experiment_on(
        settings, snapshot, data, as_known_then=as_known_then, progress=progress
    )
    for name, figures in (("validation", experiment.validation), ("test", experiment.test)):
        for kind, scores in figures.items():
            log.info("%s %s: %s", name, kind, scores.scores)
    serves = snapshot.hash == current.hash
    recorded = record(
        settings,
        snapshot,
        data,
        experiment,
        progress,
        evaluation=evaluation,
        serve=serves,
        as_known_then=as_known_then,
    )
    return TrainSummary(
        champion=experiment.ranking[0],
        versions=recorded.versions,
        validation=experiment.validation,
        test=experiment.test,
        comparison=experiment.comparison,
        labels=len(data.labels),
        run_id=recorded.run_id,
        snapshot=snapshot.hash,
        serves=serves,
    )


def experiment_on(
    settings: Settings,
    snapshot: Snapshot,
    data: ShopData,
    *,
    protocol: Protocol = BY_TIME,
    as_known_then: bool = False,
    serve: bool = True,
    progress: Progress = no_progress,
) -> tuple[Experiment, Evaluation | None]:
    """Fit and compare every kind on a snapshot, and say what each was worth.

    Args:
        data: of the snapshot.
        protocol: what is held out.
        as_known_then: as in `train`.
        serve: whether models of everything are wanted.
    """

    def open_store() -> FeatureStore:
        from feature_store.stores import open_store

        return open_store(settings, snapshot, as_known_then=as_known_then)

    with one_blas_thread():
        experiment = run_experiment(
            data,
            snapshot.folder,
            open_store,
            seed=settings.seed,
            protocol=protocol,
            # what tuning found was chosen on the windows of this protocol
            parameters=best_parameters(settings) if protocol is BY_TIME else None,
            threads=settings.threads,
            progress=progress,
            serve=serve,
        )
        progress("evaluate", 0, 0)
        return experiment, evaluation_of(data, experiment, seed=settings.seed)
