"""What publish leaves in Redis beside the features: what was published, when, and from what."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from feature_store.derivation import VIEW, Prior
from feature_store.online.layout import ViewLayout


@dataclass(frozen=True)
class Heartbeat:
    """One view's last publish. Rewritten by every publish, changed or not."""

    layout: ViewLayout
    hash: str
    as_of: datetime
    published_at: datetime
    rows: int
    stale_after_hours: float

    @property
    def key(self) -> str:
        return heartbeat_key(self.layout.project, self.layout.view)

    def to_json(self) -> str:
        return json.dumps(
            {
                "hash": self.hash,
                "as_of": self.as_of.isoformat(),
                "published_at": self.published_at.isoformat(),
                "rows": self.rows,
                "stale_after_hours": self.stale_after_hours,
                "features": self.layout.features,
                "join_keys": self.layout.join_keys,
            }
        )

    @classmethod
    def from_json(cls, project: str, view: str, text: str | bytes) -> Heartbeat:
        content = json.loads(text)
        features = tuple((name, kind) for name, kind in content["features"])
        return cls(
            layout=ViewLayout(project, view, tuple(content["join_keys"]), features),
            hash=content["hash"],
            as_of=datetime.fromisoformat(content["as_of"]),
            published_at=datetime.fromisoformat(content["published_at"]),
            rows=content["rows"],
            stale_after_hours=content["stale_after_hours"],
        )


@dataclass(frozen=True)
class Publication:
    """The last publish of all views together: what a lookup must know before it reads a view.

    Args:
        services: the views of each feature service.
    """

    project: str
    hash: str
    as_of: datetime
    published_at: datetime
    views: tuple[str, ...]
    prior: Prior
    services: Mapping[str, tuple[str, ...]]

    @property
    def key(self) -> str:
        return heartbeat_key(self.project, VIEW)

    def to_json(self) -> str:
        rating = self.prior.rating
        return json.dumps(
            {
                "hash": self.hash,
                "as_of": self.as_of.isoformat(),
                "published_at": self.published_at.isoformat(),
                "views": self.views,
                "prior_rating": None if math.isnan(rating) else rating,
                "prior_weight": self.prior.weight,
                "services": self.services,
            }
        )

    @classmethod
    def from_json(cls, project: str, text: str | bytes) -> Publication:
        content = json.loads(text)
        rating = content["prior_rating"]
        return cls(
            project=project,
            hash=content["hash"],
            as_of=datetime.fromisoformat(content["as_of"]),
            published_at=datetime.fromisoformat(content["published_at"]),
            views=tuple(content["views"]),
            prior=Prior(math.nan if rating is None else rating, content["prior_weight"]),
            # what was published before services were told: the next publish tells them
            services={name: tuple(views) for name, views in content.get("services", {}).items()},
        )


def heartbeat_key(project: str, view: str) -> str:
    """The Redis key of a view's heartbeat; that of `derived` holds the Publication."""
    return f"recomart:{project}:publish:{view}"


def state_key(project: str, view: str) -> str:
    """The Redis key that names the state its rows are in; absent while they are being written."""
    return f"recomart:{project}:state:{view}"


def count_key(project: str) -> str:
    """The Redis key of how many lasting keys there were after the last publish; empty while one
    is under way."""
    return f"recomart:{project}:count"
