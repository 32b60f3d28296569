"""What was known when, through real publishes and Feast: late, corrected and vanished rows."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from random import Random

import duckdb
import pandas as pd
import pytest

from feature_store.bitemporal import as_now_known
from feature_store.online.lookup import OnlineFeatures, Status
from feature_store.publish.publisher import apply_definitions, publish
from feature_store.publish.restore import restore
from feature_store.publish.snapshot_writer import prune, take_snapshot
from feature_store.snapshots import current_snapshot, last_published
from recomart.settings import Settings

ANYTIME = ("2024-04-05", "2024-04-15", "2024-04-24")
"""Between the change points of April 1, 10 and 20 that the filled warehouse has."""


def views(
    settings: Settings, user: str, *times: str, then: bool = False, feature: str = "user_views_7d"
) -> list[int | None]:
    """What Feast gives training: as known now, or then."""
    from feature_store.stores import open_store

    labels = pd.DataFrame({"user_id": user, "event_timestamp": pd.to_datetime(times, utc=True)})
    found = open_store(settings, as_known_then=then).get_historical_features(
        entity_df=labels, features=[f"ftr_users:{feature}"]
    )
    return found.to_arrow()[feature].to_pylist()


def versions(settings: Settings, user: str) -> list[tuple[datetime, datetime, int | None]]:
    """Event time, created time and views of a user's rows, in the order of the file."""
    return duckdb.execute(
        "select event_timestamp, created_at, user_views_7d from read_parquet(?) where user_id = ?",
        [str(settings.current_features / "ftr_users.parquet"), user],
    ).fetchall()


def served(settings: Settings, user: str) -> tuple[object, Status]:
    values = {value.feature: value for value in OnlineFeatures(settings).user(user)}
    return values["user_views_7d"].value, values["user_views_7d"].status


def test_the_first_publish_knows_each_row_since_its_event_time(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    take_snapshot(settings)

    rows = versions(settings, "u1")
    assert [event for event, _, _ in rows] == [datetime(2024, 4, day) for day in (1, 10, 20)]
    assert all(created == event for event, created, _ in rows)


def test_a_late_row_is_known_now_and_was_not_known_then(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    before = versions(settings, "u1")
    begun = datetime.now(UTC).replace(tzinfo=None)

    feature_warehouse.insert(
        "ftr_users", user_id="u1", event_timestamp=datetime(2024, 4, 15), user_views_7d=77
    )
    publish(settings)

    late = [row for row in versions(settings, "u1") if row not in before]
    assert [(event, value) for event, _, value in late] == [(datetime(2024, 4, 15), 77)]
    assert begun <= late[0][1] <= datetime.now(UTC).replace(tzinfo=None)
    assert views(settings, "u1", "2024-04-14", "2024-04-16", "2024-04-21") == [3, 77, 6]
    assert views(settings, "u1", "2024-04-14", "2024-04-16", "2024-04-21", then=True) == [3, 3, 6]
    after = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    feature_warehouse.execute(
        "delete from features.ftr_users where user_id = 'u1' and event_timestamp = '2024-04-20'"
    )
    publish(settings)
    assert views(settings, "u1", after, then=True) == [77], "who asks later knew it"


def test_a_corrected_row_keeps_its_old_version(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    change = "update features.ftr_users set user_views_7d = {} where user_id = 'u1' and "
    change += "event_timestamp = '2024-04-10'"
    for value in (50, 51):
        feature_warehouse.execute(change.format(value))
        publish(settings)

    of_the_tenth = [row for row in versions(settings, "u1") if row[0] == datetime(2024, 4, 10)]
    assert [value for _, _, value in of_the_tenth] == [3, 50, 51]
    created = [at for _, at, _ in of_the_tenth]
    assert created == sorted(set(created)), "each is known after the one that it replaces"
    assert created[0] == datetime(2024, 4, 10)
    assert views(settings, "u1", *ANYTIME) == [1, 51, 6]
    assert views(settings, "u1", *ANYTIME, then=True) == [1, 3, 6]


def test_a_change_point_that_vanished_says_what_holds_there_now(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)

    feature_warehouse.execute(
        "delete from features.ftr_users where user_id = 'u1' and event_timestamp = '2024-04-10'"
    )
    publish(settings)

    assert views(settings, "u1", *ANYTIME) == [1, 1, 6]
    assert views(settings, "u1", *ANYTIME, then=True) == [1, 3, 6]
    file = current_snapshot(settings).file("ftr_users").read_bytes()
    publish(settings)
    assert current_snapshot(settings).file("ftr_users").read_bytes() == file, "it is said once"

    # what holds at the vanished point follows the rows before it
    feature_warehouse.execute(
        "update features.ftr_users set user_views_7d = 9 "
        "where user_id = 'u1' and event_timestamp = '2024-04-01'"
    )
    publish(settings)
    assert views(settings, "u1", *ANYTIME) == [9, 9, 6]
    assert views(settings, "u1", *ANYTIME, then=True) == [1, 3, 6]


def test_an_entity_that_is_gone_was_known_then_and_may_come_back(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    rows = feature_warehouse.execute("from features.ftr_users where user_id = 'u1'")

    feature_warehouse.execute("delete from features.ftr_users where user_id = 'u1'")
    publish(settings)

    assert views(settings, "u1", *ANYTIME) == [None, None, None]
    assert views(settings, "u1", *ANYTIME, then=True) == [1, 3, 6]
    assert served(settings, "u1") == (None, Status.NOT_FOUND)
    assert "0 written" in publish(settings).detail, "Redis has lost nothing"

    with feature_warehouse.held_open():
        for row in rows:
            marks = ", ".join("?" for _ in row)
            feature_warehouse.execute(f"insert into features.ftr_users values ({marks})", row)
    publish(settings)
    assert views(settings, "u1", *ANYTIME) == [1, 3, 6]
    assert served(settings, "u1") == (6, Status.PRESENT)


def test_a_row_that_goes_on_from_the_last_as_of_is_known_since_its_event_time(
    feature_warehouse,
) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    feature_warehouse.set_clock("2024-04-28 06:00:00")
    for day in (24, 26):
        feature_warehouse.insert(
            "ftr_users", user_id="u1", event_timestamp=datetime(2024, 4, day), user_views_7d=day
        )
    take_snapshot(settings)

    rows = {event: created for event, created, _ in versions(settings, "u1")}
    assert rows[datetime(2024, 4, 26)] == datetime(2024, 4, 26)
    assert rows[datetime(2024, 4, 24)] > datetime(2024, 5, 1), "it lies behind April 25, so is late"
    assert views(settings, "u1", "2024-04-25", "2024-04-27", then=True) == [6, 26]


def test_a_row_ahead_of_the_last_as_of_was_a_forecast_and_what_came_in_time_replaces_it(
    feature_warehouse,
) -> None:
    """On 25 April u1's windows are known to run out on the 28th, unless u1 comes back before."""
    settings = feature_warehouse.settings
    for day in (28, 29):
        feature_warehouse.insert(
            "ftr_users", user_id="u1", event_timestamp=datetime(2024, 4, day), user_views_7d=0
        )
    publish(settings)

    # u1 came back on the 27th: the 28th has another value, and the 29th is no change point
    feature_warehouse.set_clock("2024-04-30 06:00:00")
    feature_warehouse.execute(
        "delete from features.ftr_users where event_timestamp = '2024-04-29' and user_id = 'u1'"
    )
    feature_warehouse.execute(
        "update features.ftr_users set user_views_7d = 7 where event_timestamp = '2024-04-28'"
    )
    publish(settings)

    labels = ("2024-04-27 12:00", "2024-04-28 00:00", "2024-04-28 12:00", "2024-04-29 12:00")
    assert views(settings, "u1", *labels) == [6, 7, 7, 7]
    assert views(settings, "u1", *labels, then=True) == [6, 7, 7, 7], "it came in time"
    ahead = [row for row in versions(settings, "u1") if row[0] > datetime(2024, 4, 25)]
    assert ahead == [(datetime(2024, 4, 28), datetime(2024, 4, 28), 7)]


def test_a_clock_that_was_set_back_does_not_make_late_rows_early(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    feature_warehouse.set_clock("2024-04-15 00:00:00")
    publish(settings)
    feature_warehouse.set_clock("2024-04-25 12:00:00")
    feature_warehouse.insert(
        "ftr_users", user_id="u1", event_timestamp=datetime(2024, 4, 22), user_views_7d=77
    )
    publish(settings)

    assert views(settings, "u1", "2024-04-23") == [77]
    assert views(settings, "u1", "2024-04-23", then=True) == [6], "which the first publish said"


def test_a_row_at_the_very_as_of_that_was_not_served_then_came_late(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    feature_warehouse.set_clock("2024-04-15 00:00:00")
    publish(settings)
    assert served(settings, "u1") == (3, Status.PRESENT)
    feature_warehouse.insert(
        "ftr_users", user_id="u1", event_timestamp=datetime(2024, 4, 15), user_views_7d=50
    )
    publish(settings)

    assert served(settings, "u1") == (50, Status.PRESENT)
    assert views(settings, "u1", "2024-04-16") == [50]
    assert views(settings, "u1", "2024-04-16", then=True) == [3]


def test_no_version_is_older_than_what_it_replaces_when_the_data_are_ahead_of_the_clock(
    feature_warehouse,
) -> None:
    settings = feature_warehouse.settings
    ahead = datetime.now() + timedelta(days=400)
    feature_warehouse.set_clock((ahead + timedelta(days=1)).isoformat())
    feature_warehouse.insert(
        "ftr_users", user_id="u1", event_timestamp=ahead, created_at=ahead, user_views_7d=1
    )
    publish(settings)
    for value in (2, 3):
        feature_warehouse.execute(
            "update features.ftr_users set user_views_7d = ? where event_timestamp = ?",
            [value, ahead],
        )
        take_snapshot(settings)

    assert [row[2] for row in versions(settings, "u1")][-3:] == [1, 2, 3]
    label = (ahead + timedelta(days=1)).isoformat()
    assert views(settings, "u1", label) == views(settings, "u1", label, then=True) == [3]


def test_an_unchanged_warehouse_gives_the_same_snapshot_whatever_was_corrected_before(
    feature_warehouse,
) -> None:
    settings = feature_warehouse.settings
    take_snapshot(settings)
    feature_warehouse.execute("update features.ftr_users set user_views_7d = 8")
    take_snapshot(settings)
    second = current_snapshot(settings)
    files = {model: second.file(model).read_bytes() for model in second.files}

    take_snapshot(settings)

    again = current_snapshot(settings)
    assert (again.hash, again.published_at) == (second.hash, second.published_at)
    assert {model: again.file(model).read_bytes() for model in again.files} == files

    # another publish, of other products, leaves the users' file as it is
    feature_warehouse.execute("update features.ftr_products set product_views_7d = 8")
    take_snapshot(settings)
    third = current_snapshot(settings)
    assert third.hash != second.hash
    assert third.file("ftr_users").read_bytes() == files["ftr_users"]


def test_now_known_are_the_rows_of_the_warehouse_and_at_vanished_points_what_holds(
    feature_warehouse,
) -> None:
    settings = feature_warehouse.settings
    take_snapshot(settings)
    feature_warehouse.execute("update features.ftr_users set user_views_7d = user_views_7d + 1")
    feature_warehouse.execute(
        "delete from features.ftr_users where event_timestamp = '2024-04-10' and user_id < 'u5'"
    )
    take_snapshot(settings)

    file = f"read_parquet('{current_snapshot(settings).file('ftr_users')}')"
    known = duckdb.execute(
        "select user_id, event_timestamp, user_views_7d "
        f"from {as_now_known(file, ['user_id'])} order by all"
    ).fetchall()
    built = feature_warehouse.execute(
        "select user_id, event_timestamp, user_views_7d from features.ftr_users order by all"
    )
    assert set(built) < set(known)
    points = [(user, event) for user, event, _ in known]
    assert len(points) == len(set(points)) == 36, "one row a change point, that of then included"
    held = {user: value for user, event, value in built if event == datetime(2024, 4, 1)}
    for user, event, value in set(known) - set(built):
        assert event == datetime(2024, 4, 10)
        assert value == held[user]


def test_other_columns_start_the_history_anew(feature_warehouse, caplog) -> None:
    settings = feature_warehouse.settings
    take_snapshot(settings)
    feature_warehouse.execute("update features.ftr_users set user_views_7d = 8")
    take_snapshot(settings)
    assert len(versions(settings, "u1")) > 3
    feature_warehouse.execute("alter table features.ftr_users drop column user_spend_90d")
    feature_warehouse.write_manifest(without=("user_spend_90d",))
    feature_warehouse.record_run()

    with caplog.at_level(logging.WARNING, "feature_store.publish.row_versions"):
        take_snapshot(settings)

    assert "ftr_users: the record of what was known when starts again" in caplog.text
    assert "user_spend_90d (DOUBLE -> -)" in caplog.text
    rows = versions(settings, "u1")
    assert len(rows) == 3
    assert all(created == event for event, created, _ in rows)


def test_a_damaged_file_is_not_gone_on_with(feature_warehouse, caplog) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    with open(current_snapshot(settings).file("ftr_users"), "ab") as file:
        file.write(b"x")
    feature_warehouse.execute("update features.ftr_users set user_views_7d = 8")

    with caplog.at_level(logging.WARNING, "feature_store.publish.row_versions"):
        take_snapshot(settings)

    assert "is not the file that was published" in caplog.text
    assert views(settings, "u1", *ANYTIME) == [8, 8, 8]


def test_a_restore_changes_what_is_read_and_not_what_is_known(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    first = current_snapshot(settings).hash
    feature_warehouse.execute("update features.ftr_users set user_views_7d = 8")
    publish(settings)
    second = current_snapshot(settings).hash

    restore(settings, first)

    assert views(settings, "u1", *ANYTIME) == [1, 3, 6]
    last = last_published(settings)
    assert last is not None
    assert last.hash == second
    feature_warehouse.execute("update features.ftr_users set user_views_7d = 9")
    publish(settings)
    values = [value for event, _, value in versions(settings, "u1") if event.day == 10]
    assert values == [3, 8, 9], "the next publish goes on from the last one, not from the restored"


def test_what_the_next_publish_goes_on_from_is_never_removed(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    take_snapshot(settings)
    last = current_snapshot(settings).folder
    restored = settings.features / "older"
    for name in ("older", *(f"old{n}" for n in range(12))):
        (settings.features / name).mkdir()
        (settings.features / name / "snapshot.json").write_text("{}")
    (settings.features / "current").unlink()
    (settings.features / "current").symlink_to(restored.name)

    removed = prune(settings)

    assert removed
    assert last.exists()


@pytest.mark.parametrize("seed", range(3))
def test_as_known_then_says_what_each_publish_said(feature_warehouse, seed: int) -> None:
    """A user's rows change at random from publish to publish, a day of the future apart."""
    draw = Random(seed)
    settings = feature_warehouse.settings
    days = [datetime(2024, 4, day) for day in range(1, 25)]
    labels = [(day + timedelta(hours=5)).isoformat() for day in days]
    told = []
    for _ in range(4):
        with feature_warehouse.held_open():
            feature_warehouse.execute("delete from features.ftr_users where user_id = 'u1'")
            for day in sorted(draw.sample(days, draw.randrange(8))):
                feature_warehouse.insert(
                    "ftr_users",
                    user_id="u1",
                    event_timestamp=day,
                    user_views_7d=draw.randrange(3),
                )
        take_snapshot(settings)
        rows = dict(
            feature_warehouse.execute(
                "select event_timestamp, user_views_7d from features.ftr_users "
                "where user_id = 'u1' order by 1"
            )
        )
        expected = []
        for day in days:
            before = [event for event in rows if event <= day]
            expected.append(rows[max(before)] if before else None)
        told.append((datetime.now(UTC).replace(tzinfo=None), expected))
        file = f"'{current_snapshot(settings).file('ftr_users')}'"
        # every earlier publish can still be told, by what was known when it ended
        for known_at, then in told:
            found = duckdb.execute(
                f"""
                select last(user_views_7d order by event_timestamp, created_at)
                from unnest($days) as asked(day)
                left join {file} on user_id = 'u1' and event_timestamp <= day and (
                    created_at <= $known_at or created_at = event_timestamp
                )
                group by day order by day
                """,
                {"days": days, "known_at": known_at},
            ).fetchall()
            assert [value for (value,) in found] == then
    apply_definitions(settings, current_snapshot(settings))
    assert views(settings, "u1", *labels) == told[-1][1]
