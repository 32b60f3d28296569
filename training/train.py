"""The step `train`: published features in, compared and registered models out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from recomart.settings import Settings
from recomart.step import Progress, StepResult, no_progress
from training.evaluate import Scores
from training.experiment import run_experiment
from training.labels import current_snapshot, load_shop_data
from training.tracking import record

if TYPE_CHECKING:
    from feast import FeatureStore

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainSummary:
    """What was trained.

    Args:
        champion: the kind that serves from now on.
        versions: registered version by kind.
        validation, test: metrics by kind; empty where the shop has too few days.
        labels: that were learned from.
        run_id: the parent run in MLflow.
    """

    champion: str
    versions: dict[str, str]
    validation: dict[str, Scores]
    test: dict[str, Scores]
    labels: int
    run_id: str

    def result(self) -> StepResult:
        """One line: how many models, and which serves."""
        detail = f"champion {self.champion} v{self.versions[self.champion]}"
        figures = self.test or self.validation
        if figures:
            ndcg = " · ".join(f"{kind} {s.ndcg_at_10:.3f}" for kind, s in figures.items())
            detail += f" · nDCG@10 {ndcg}"
        return StepResult(len(self.versions), "models", detail)


def train(settings: Settings, *, progress: Progress = no_progress) -> TrainSummary:
    """Train every kind on the newest snapshot, compare them, and register them in MLflow.

    Raises:
        NothingPublished: there are no published features.
        NotReady: the shop has no interactions to learn from.
    """
    snapshot = current_snapshot(settings)
    data = load_shop_data(snapshot)

    def open_store() -> FeatureStore:
        from recomart.feast import open_store

        return open_store(settings)

    # One BLAS thread: the products are small, and sums keep their order on every machine.
    with threadpool_limits(1, user_api="blas"):
        experiment = run_experiment(
            data, snapshot, open_store, seed=settings.seed, progress=progress
        )
    for name, figures in (("validation", experiment.validation), ("test", experiment.test)):
        for kind, scores in figures.items():
            log.info("%s %s: %s", name, kind, scores)
    recorded = record(settings, data, experiment, progress)
    return TrainSummary(
        champion=experiment.ranking[0],
        versions=recorded.versions,
        validation=experiment.validation,
        test=experiment.test,
        labels=len(data.labels),
        run_id=recorded.run_id,
    )
