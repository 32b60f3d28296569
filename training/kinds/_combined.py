"""What models share that rank the pool of what sources propose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from training.interactions import FloatArray, IntArray
from training.kinds import KINDS
from training.kinds._stored import Stored, arrays_of
from training.local_features import Moment
from training.model import Model
from training.pools import LIST, Pool, pool_of
from training.reasons import Place, Shopper
from training.requests import Question, Ranked

BLOCK_USERS = 1_000


@dataclass(frozen=True)
class Sources:
    """The models that propose candidates, and what is known of the products.

    Args:
        models: by kind.
        moment: as of the cut that the models were fitted at.
    """

    models: Mapping[str, Model]
    moment: Moment

    def pool(self, question: Question) -> Pool:
        """What the sources propose to the question's users."""
        asked = replace(question, k=LIST)
        lists = {name: model.rank(asked) for name, model in self.models.items()}
        return pool_of(question, lists, self.moment)

    def store(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON values of all of them."""
        arrays = arrays_of("moment", self.moment)
        record: dict[str, Any] = {"sources": list(self.models)}
        for name, model in self.models.items():
            stored = KINDS.get(name).store(model)
            arrays |= stored.arrays
            record |= stored.record
        return arrays, record


def restored_sources(stored: Stored) -> Sources:
    """The inverse of `Sources.store`."""
    models = {name: KINDS.get(name).restore(stored) for name in stored.record["sources"]}
    return Sources(models, stored.part(Moment, "moment", scaled=False))


class CombinedModel(ABC):
    """A model that orders the candidates of its sources."""

    sources: Sources

    @abstractmethod
    def order(self, pool: Pool) -> FloatArray:
        """(candidates,) scores."""

    def rank(self, question: Question) -> Ranked:
        """As in `Model`, some users at a time."""
        parts = []
        for start in range(0, len(question), BLOCK_USERS):
            some = question.some(slice(start, min(start + BLOCK_USERS, len(question))))
            parts.append(self.rank_pool(self.sources.pool(some), question.k))
        if not parts:
            return Ranked(np.empty((0, question.k), np.int64), np.empty((0, question.k)))
        return Ranked(
            np.vstack([part.products for part in parts]), np.vstack([part.scores for part in parts])
        )

    def rank_pool(self, pool: Pool, k: int) -> Ranked:
        """The k best candidates of each user of a pool that is there already."""
        return pool.ranked(self.order(pool), k)

    def places(self, question: Question) -> list[Place]:
        """As in `Model`, with all that is known of each candidate."""
        pool = self.sources.pool(question)
        best = self.rank_pool(pool, question.k)
        listed = best.products[0][best.products[0] >= 0]
        row = {int(product): at for at, product in enumerate(pool.products)}
        chosen = np.array([row[int(product)] for product in listed], dtype=np.int64)
        why = self.contributions(pool, chosen)
        return [
            Place(
                int(pool.products[at]),
                float(score),
                features=dict(zip(pool.names, map(float, pool.features[at]), strict=True)),
                contributions=added,
            )
            for at, score, added in zip(chosen, best.scores[0], why, strict=False)
        ]

    def contributions(self, pool: Pool, chosen: IntArray) -> list[Mapping[str, float]]:
        """By feature, what it added to the score of each chosen candidate; nothing is known by
        default.

        Args:
            pool: of one user.
            chosen: (n,) its candidates.
        """
        return [{} for _ in chosen]

    def ratings(self, users: IntArray, products: IntArray) -> FloatArray | None:
        """As in `Model`."""
        return None

    def best_source(self, place: Place) -> list[str]:
        """The sources that propose a product, the one that ranks it highest first."""
        ranks = {
            name: place.features.get(f"{name}_rank", float("nan")) for name in self.sources.models
        }
        known = [name for name, rank in ranks.items() if np.isfinite(rank)]
        return sorted(known, key=lambda name: (ranks[name], name))

    def source_reason(self, place: Place, shopper: Shopper) -> str | None:
        """The reason of the first source, by `best_source`, that has something true to say."""
        for name in self.best_source(place):
            if reason := self.sources.models[name].reason(place, shopper):
                return reason
        return None
