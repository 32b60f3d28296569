"""Publish after publish, whatever happens between, against an oracle in plain Python.

The oracle keeps what each publish was given, and knows nothing of versions or differences:

- Redis holds each user's newest row at or before `as_of`;
- as now known, a label sees the newest row at or before it of the last publish;
- as known then, up to the latest `as_of` told by its time it sees what the last publish before it
  was given, and beyond that what was given first, in time.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import redis
import time_machine
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from feature_store.online.lookup import OnlineFeatures
from feature_store.online.redis import connect
from feature_store.publish.online_sync import publish_online
from feature_store.publish.publisher import apply_definitions
from feature_store.publish.snapshot_writer import take_snapshot
from feature_store.snapshots import current_snapshot, find_snapshot
from feature_store.stores import open_store
from recomart.files import swap_link
from recomart.settings import Settings
from recomart.step import Progress, no_progress

START = datetime(2024, 4, 1)
USERS = ("a", "b", "é")
DAYS = 10
FEATURE = "user_views_7d"

Rows = dict[tuple[str, int], int]
"""The value by user and day."""


@dataclass(frozen=True)
class Step:
    """What happens before a publish, and in it.

    Args:
        changes: user, day and value; None takes the row away.
        gone: a user who loses all rows.
        as_of: half days since START.
        lag: hours from as_of, or from the publish before, to this one.
        loss: whether Redis loses everything, or one key.
        stop: where the publish is cut off: in the snapshot, after it, or when rows are written and
            nothing is recorded.
        back: whether the snapshot before is put back after it.
    """

    changes: list[tuple[str, int, int | None]]
    gone: str | None
    as_of: int
    lag: int
    loss: str | None
    stop: str | None
    back: bool


steps = st.builds(
    Step,
    changes=st.lists(
        st.tuples(
            st.sampled_from(USERS),
            st.integers(0, DAYS - 1),
            st.one_of(st.none(), st.integers(0, 2)),
        ),
        max_size=8,
    ),
    gone=st.sampled_from([None, None, None, *USERS]),
    as_of=st.integers(0, 2 * DAYS),
    lag=st.sampled_from([1, 30, 100]),
    loss=st.sampled_from([None, None, "all", "one"]),
    stop=st.sampled_from([None, None, None, "snapshot", "between", "written"]),
    back=st.sampled_from([False, False, False, True]),
)


@dataclass
class Told:
    """The oracle's memory: of each publish its time, its as_of and the latest until then, its rows."""

    publishes: list[tuple[datetime, datetime, datetime, Rows]] = field(default_factory=list)

    def add(self, wall: datetime, as_of: datetime, rows: Rows) -> None:
        latest = max([as_of, *(one[2] for one in self.publishes[-1:])])
        self.publishes.append((wall, as_of, latest, dict(rows)))

    def online(self, at: int = -1) -> dict[str, int]:
        _, as_of, _, rows = self.publishes[at]
        found = {user: newest(rows, user, as_of) for user in USERS}
        return {user: value for user, value in found.items() if value is not None}

    def now(self, user: str, label: datetime) -> int | None:
        return newest(self.publishes[-1][3], user, label)

    def then(self, user: str, label: datetime) -> int | None:
        known = sum(wall <= label for wall, *_ in self.publishes)
        since = datetime.min
        seen: Rows = {}
        for _, _, latest, rows in self.publishes[max(known - 1, 0) :]:
            seen |= {point: v for point, v in rows.items() if since < day(point[1]) <= latest}
            since = latest
        seen |= {point: v for point, v in self.publishes[-1][3].items() if day(point[1]) > since}
        return newest(seen, user, label)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def newest(rows: Rows, user: str, at: datetime) -> int | None:
    days = [number for name, number in rows if name == user and day(number) <= at]
    return rows[user, max(days)] if days else None


class CutOff(Exception):
    """The publish ends here."""


@dataclass
class Shop:
    """A lake and a Redis that go through the steps."""

    warehouse: object
    settings: Settings
    client: redis.Redis
    rows: Rows = field(default_factory=dict)
    wall: datetime = START

    def go(self, step: Step, told: Told) -> bool:
        """Whether the publish came to its end."""
        self._build(step)
        keys = [key for key in self.client.scan_iter() if b"user_id" in key]
        if step.loss == "all":
            self.client.flushdb()
        elif step.loss and keys:
            self.client.delete(keys[0])
        as_of = START + timedelta(hours=12 * step.as_of)
        self.wall = max(self.wall, as_of) + timedelta(hours=step.lag, minutes=7)
        with suppress(CutOff):
            with time_machine.travel(self.wall.replace(tzinfo=UTC), tick=False):
                snapshot = take_snapshot(self.settings, stop_if(step.stop == "snapshot"))
            told.add(self.wall, as_of, self.rows)
            if step.stop == "between":
                raise CutOff
            publish_online(self.settings, snapshot, progress=stop_if(step.stop == "written"))
            return True
        return False

    def _build(self, step: Step) -> None:
        for user, number, value in step.changes:
            if value is None:
                self.rows.pop((user, number), None)
            else:
                self.rows[user, number] = value
        self.rows = {point: v for point, v in self.rows.items() if point[0] != step.gone}
        with self.warehouse.held_open():
            self.warehouse.set_clock(str(START + timedelta(hours=12 * step.as_of)))
            self.warehouse.execute("delete from features.ftr_users")
            for (user, number), value in self.rows.items():
                at = day(number)
                self.warehouse.execute(
                    "insert into features.ftr_users "
                    f"(user_id, event_timestamp, created_at, {FEATURE}) values (?, ?, ?, ?)",
                    [user, at, at, value],
                )

    def online(self) -> dict[str, object]:
        lookup = OnlineFeatures(self.settings)
        values = lookup.read_views({"ftr_users": USERS})["ftr_users"].columns[FEATURE]
        found = {user: v for user, v in zip(USERS, values, strict=True) if v is not None}
        assert sum(b"user_id" in key for key in self.client.scan_iter()) == len(found)
        return found

    def history(self, labels: pd.DataFrame, *, then: bool) -> list[int | None]:
        store = open_store(self.settings, as_known_then=then)
        job = store.get_historical_features(entity_df=labels, features=[f"ftr_users:{FEATURE}"])
        return job.to_arrow()[FEATURE].to_pylist()


def stop_if(wanted: bool) -> Progress:
    def progress(what: str, done: int, total: int) -> None:
        if wanted and what == "ftr_users":
            raise CutOff

    return progress


@pytest.fixture
def shop(feature_warehouse) -> Shop:
    settings = feature_warehouse.settings
    for table in ("ftr_users", "ftr_products", "ftr_user_categories"):
        feature_warehouse.execute(f"delete from features.{table}")
    apply_definitions(settings, take_snapshot(settings))
    return Shop(feature_warehouse, settings, connect(settings))


def value_of_a(value: int, stop: str | None = None) -> Step:
    return Step([("a", 0, value)], None, as_of=10, lag=1, loss=None, stop=stop, back=False)


@hypothesis_settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=st.lists(steps, min_size=1, max_size=4), last=steps)
@example(before=[value_of_a(1), value_of_a(2, stop="written")], last=value_of_a(1))
def test_after_each_publish_redis_and_history_say_what_the_oracle_says(
    shop: Shop, before: list[Step], last: Step
) -> None:
    shop = Shop(shop.warehouse, shop.settings, shop.client)
    shop.client.flushdb()
    shutil.rmtree(shop.settings.features)
    told = Told()
    hashes: list[str] = []

    for step in [*before, Step(**{**vars(last), "stop": None})]:
        ended = shop.go(step, told)
        if len(told.publishes) > len(hashes):
            hashes.append(current_snapshot(shop.settings).hash)
        if ended:
            assert shop.online() == told.online()
        if step.back and len(hashes) > 1:
            # as restore does, but for Feast's definitions, which are the same
            swap_link(shop.settings.current_features, hashes[-2])
            older = find_snapshot(shop.settings, hashes[-2])
            publish_online(shop.settings, older, progress=no_progress)
            assert shop.online() == told.online(-2)
            swap_link(shop.settings.current_features, hashes[-1])

    times = [day(0) + timedelta(hours=12 * n) for n in range(2 * DAYS + 2)]
    times += [wall + timedelta(minutes=1) for wall, *_ in told.publishes]
    asked = [(user, label) for user in USERS for label in times]
    labels = pd.DataFrame(asked, columns=["user_id", "event_timestamp"])
    labels["event_timestamp"] = labels["event_timestamp"].dt.tz_localize("UTC")
    now, then = (shop.history(labels, then=known) for known in (False, True))
    assert dict(zip(asked, now, strict=True)) == {one: told.now(*one) for one in asked}
    assert dict(zip(asked, then, strict=True)) == {one: told.then(*one) for one in asked}
