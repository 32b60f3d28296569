"""What publish leaves in Redis next to the features: what was published, when, and from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from feature_store.derivation import VIEW
from feature_store.derived_feature import Prior
from feature_store.online.layout import ViewLayout
from feature_store.records import Instant, RecordFormat, null_if_nan, number_or_nan


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
        record = _HeartbeatRecord(
            hash=self.hash,
            as_of=self.as_of,
            published_at=self.published_at,
            rows=self.rows,
            stale_after_hours=self.stale_after_hours,
            features=self.layout.features,
            join_keys=self.layout.join_keys,
        )
        return _HEARTBEAT_FORMAT.write(record)

    @classmethod
    def from_json(cls, project: str, view: str, text: str | bytes) -> Heartbeat:
        """The heartbeat in Redis.

        Raises:
            DamagedRecord: the text is not a heartbeat.
        """
        record = _HEARTBEAT_FORMAT.read(text)
        return cls(
            layout=ViewLayout(project, view, record.join_keys, record.features),
            hash=record.hash,
            as_of=record.as_of,
            published_at=record.published_at,
            rows=record.rows,
            stale_after_hours=record.stale_after_hours,
        )


@dataclass(frozen=True)
class _HeartbeatRecord:
    hash: str
    as_of: Instant
    published_at: Instant
    rows: int
    stale_after_hours: float
    features: tuple[tuple[str, str], ...]
    join_keys: tuple[str, ...]


@dataclass(frozen=True)
class Publication:
    """The last publish as a whole: what a lookup must know before it reads a view.

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
        record = _PublicationRecord(
            hash=self.hash,
            as_of=self.as_of,
            published_at=self.published_at,
            views=self.views,
            prior_rating=null_if_nan(self.prior.rating),
            prior_weight=self.prior.weight,
            services=dict(self.services),
        )
        return _PUBLICATION_FORMAT.write(record)

    @classmethod
    def from_json(cls, project: str, text: str | bytes) -> Publication:
        """The publication in Redis.

        Raises:
            DamagedRecord: the text is not a publication.
        """
        record = _PUBLICATION_FORMAT.read(text)
        return cls(
            project=project,
            hash=record.hash,
            as_of=record.as_of,
            published_at=record.published_at,
            views=record.views,
            prior=Prior(number_or_nan(record.prior_rating), record.prior_weight),
            services=record.services,
        )


@dataclass(frozen=True)
class _PublicationRecord:
    hash: str
    as_of: Instant
    published_at: Instant
    views: tuple[str, ...]
    prior_rating: float | None
    prior_weight: float
    # older versions did not write them; the next publish does
    services: dict[str, tuple[str, ...]] = field(default_factory=dict)


_HEARTBEAT_FORMAT = RecordFormat(_HeartbeatRecord)
_PUBLICATION_FORMAT = RecordFormat(_PublicationRecord)


def heartbeat_key(project: str, view: str) -> str:
    """The Redis key of a view's heartbeat; the Publication is under the view `derived`."""
    return f"recomart:{project}:publish:{view}"


def state_key(project: str, view: str) -> str:
    """The Redis key that names the state its rows are in; absent while they are being written."""
    return f"recomart:{project}:state:{view}"


def count_key(project: str) -> str:
    """The Redis key of how many lasting keys there were after the last publish; empty while one
    is under way."""
    return f"recomart:{project}:count"
