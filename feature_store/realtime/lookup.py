"""Real-time features as rows of the online lookup: values with statuses and ages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import numpy as np

from feature_store.online.heartbeat import Heartbeat
from feature_store.online.layout import Scalar, ViewLayout
from feature_store.online.resp import RedisQuery
from feature_store.online.rows import OnlineRows, as_keys
from feature_store.realtime.clock import EPOCH, SECOND, days_of, instant_of, micros_of
from feature_store.realtime.features import FEATURES, JOIN_KEYS, PRODUCTS, STALE_AFTER, USERS
from feature_store.realtime.product_windows import product_features
from feature_store.realtime.reading import States, is_answerable, read_states
from feature_store.realtime.user_windows import in_horizon, products_needed, user_features


def realtime_rows(
    project: str, users: Sequence[str], products: Sequence[str], as_of: datetime | None
) -> RedisQuery[dict[str, OnlineRows]]:
    """Rows of `rt_users` and `rt_products` at an instant; without one, now.

    Raises:
        ValueError: `as_of` lies so far back that state of its 24 hours has expired.
    """
    now = datetime.now(UTC)
    at = micros_of(as_of or now)
    if not is_answerable(at, micros_of(now)):
        raise ValueError(
            f"real-time features of {as_of} are no longer available: their state is kept for a day "
            "and an hour; ask Feast's history for older features"
        )
    states = yield from read_states(
        project, users, products, days_of(at), partial(products_needed, as_of=at)
    )
    return {
        USERS: _user_rows(project, users, states, at, now),
        PRODUCTS: _product_rows(project, products, states, at, now),
    }


def bought_products(project: str, user: str) -> RedisQuery[set[str]]:
    """What a user bought in the last 24 hours, as far as the speed layer has received it.

    Raises:
        InvalidKey: the user is missing, empty, or has no exact text.
    """
    at = micros_of(datetime.now(UTC))
    ((key,),) = as_keys([user], (JOIN_KEYS[USERS],), USERS)
    states = yield from read_states(project, [key], [], days_of(at), lambda events: set())
    events = in_horizon(states.users[0].events, at)
    return {e.product_id for e in events if e.event_type == "purchase" and e.product_id}


def _user_rows(
    project: str, users: Sequence[str], states: States, at: int, now: datetime
) -> OnlineRows:
    found = [user_features(state, at) for state in states.users]
    newest = [
        in_horizon(state.events, at)[-1].micros if row else 0
        for state, row in zip(states.users, found, strict=True)
    ]
    columns: dict[str, list[Scalar]] = {
        feature.name: [row.get(feature.name) for row in found] for feature in FEATURES[USERS]
    }
    return _rows(project, USERS, users, columns, np.array(newest), states.received_until, at, now)


def _product_rows(
    project: str, products: Sequence[str], states: States, at: int, now: datetime
) -> OnlineRows:
    features = product_features(states.products, at)
    found = features.found.tolist()
    columns: dict[str, list[Scalar]] = {
        name: [v if f else None for v, f in zip(column.tolist(), found, strict=True)]
        for name, column in features.columns.items()
    }
    return _rows(
        project, PRODUCTS, products, columns, features.newest, states.received_until, at, now
    )


def _rows(
    project: str,
    view: str,
    keys: Sequence[str],
    columns: dict[str, list[Scalar]],
    newest: np.ndarray,
    received_until: int | None,
    at: int,
    now: datetime,
) -> OnlineRows:
    """A row is there when something happened in the 24 hours; `newest` is 0 for the others."""
    found = newest > 0
    happened = np.where(found, newest / SECOND, np.nan)
    until = EPOCH if received_until is None else instant_of(received_until)
    heartbeat = Heartbeat(
        layout=ViewLayout(
            project, view, (JOIN_KEYS[view],), tuple((f.name, f.kind) for f in FEATURES[view])
        ),
        hash="",
        as_of=until,
        published_at=until,
        rows=int(found.sum()),
        stale_after_hours=STALE_AFTER.total_seconds() / 3_600,
    )
    return OnlineRows(
        heartbeat=heartbeat,
        keys=[(key,) for key in keys],
        columns=columns,
        found=found,
        event_timestamp=happened,
        age=at / SECOND - happened,
        stale=now - until > STALE_AFTER,
    )
