"""The work of an experiment: asking for features, fitting, measuring, gathering candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recomart.step import Progress
from training.behaviour import profiles_of
from training.comparison import Measured, measured
from training.evaluate import DEPTH
from training.feature_tables import FeatureTables
from training.fitting import Wanted, fit_many, task_of
from training.history import Ask, feature_tables
from training.kinds import Fit, Kind
from training.kinds._combined import CombinedModel, Sources
from training.labels import ShopData
from training.local_features import moment_of
from training.model import Model
from training.pools import Pool
from training.protocols import Case
from training.ranking import filled
from training.requests import Question

if TYPE_CHECKING:
    from feast import FeatureStore


@dataclass
class Runner:
    """Carries out one experiment on one shop."""

    data: ShopData
    snapshot: Path
    open_store: Callable[[], FeatureStore]
    seed: int
    threads: int
    progress: Progress
    tables: dict[str, FeatureTables] = field(default_factory=dict)

    def question(self, case: Case) -> Question:
        """Whom and what the case asks."""
        users = case.holdout.users
        shape = (len(self.data.users), len(self.data.products))
        return Question(
            users=users,
            profiles=profiles_of(case.events, users, shape),
            now=case.now,
            k=DEPTH,
            candidates=case.holdout.candidates,
            excluded=case.holdout.excluded[users],
            features=self.tables.get(case.name),
            threads=self.threads,
        )

    def fetch_features(self, cases: Sequence[Case]) -> None:
        """Ask the feature store for the users of each case and all products, as of its time."""
        if not cases:
            return
        self.progress("features", 0, 0)
        asks = [Ask(case.now, case.holdout.users) for case in cases]
        found = feature_tables(self.open_store(), self.data, self.snapshot, asks)
        self.tables |= {case.name: table for case, table in zip(cases, found, strict=True)}

    def wanted(self, kind: Kind, case: Case, parameters: Mapping[str, Any], **more: Any) -> Wanted:
        """A fit as of a case."""
        task = task_of(self.data, case.known, case.events, case.now, seed=self.seed, **more)
        return Wanted(kind, task, parameters)

    def fits(self, wanted: Sequence[Wanted]) -> list[Fit | None]:
        """All fits, in their order."""
        return fit_many(wanted, threads=self.threads, progress=self.progress)

    def measure(
        self, model: Model, case: Case, popular: Model, pool: Pool | None = None
    ) -> Measured:
        """What a model's lists are worth on a case."""
        question = self.question(case)
        if pool is not None and isinstance(model, CombinedModel):
            lists = model.rank_pool(pool, DEPTH)
        else:
            lists = model.rank(question)
        longer = popular.rank(replace(question, k=2 * DEPTH))
        held_out = case.holdout
        predicted = model.ratings(held_out.rated_users, held_out.rated_products)
        return measured(filled(lists, longer), held_out, predicted)

    def pool(self, sources: Mapping[str, Model], case: Case) -> Pool:
        """What the sources propose to the case's users, labelled with what they came to like."""
        moment = moment_of(case.events, self.data.category_numbers, case.now)
        pool = Sources(sources, moment).pool(self.question(case))
        width = len(self.data.products)
        truth = case.holdout.relevant[case.holdout.users].tocoo()
        wanted = truth.coords[0].astype(np.int64) * width + truth.coords[1]
        return pool.labelled(np.isin(pool.row * width + pool.products, wanted))
