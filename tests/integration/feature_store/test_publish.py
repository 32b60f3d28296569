from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import redis

from feature_store.online.heartbeat import heartbeat_key
from feature_store.online.lookup import OnlineFeatures, Status
from feature_store.online.redis import connect, redis_url
from feature_store.publish.online_sync import publish_online
from feature_store.publish.publish_log import ViewPublication, publications
from feature_store.publish.publisher import publish
from feature_store.publish.snapshot_writer import KEPT, prune
from feature_store.snapshots import current_snapshot
from recomart.errors import (
    ConfigurationError,
    NothingPublished,
    NotReady,
    RedisUnavailable,
    TransformFailed,
)
from recomart.settings import Settings
from recomart.step import no_progress


def stored(client: redis.Redis) -> dict[bytes, object]:
    """Everything that Redis holds, but for the heartbeats and states that each publish renews."""
    content: dict[bytes, object] = {}
    for key in client.scan_iter():
        if not key.startswith(b"recomart:"):
            content[key] = client.hgetall(key)
    return content


def _users(content: dict[bytes, object]) -> list[bytes]:
    """The keys of what has a user: users, and users with categories."""
    return [key for key in content if b"user_id" in key]


def republish(settings: Settings) -> list[ViewPublication]:
    return publish_online(settings, current_snapshot(settings), progress=no_progress)


def served(settings: Settings, user: str, feature: str) -> tuple[object, Status]:
    values = {value.feature: value for value in OnlineFeatures(settings).user(user)}
    return values[feature].value, values[feature].status


def test_publish_goes_on_from_a_redis_that_an_earlier_version_filled(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    client = connect(settings)
    key = heartbeat_key(settings.feast_project, "derived")
    content = json.loads(client.get(key))
    del content["services"]  # which it did not tell
    client.set(key, json.dumps(content))

    publish(settings)

    assert json.loads(client.get(key))["services"]


def test_publish_links_a_snapshot_with_the_tables_of_the_warehouse(feature_warehouse) -> None:
    settings = feature_warehouse.settings

    result = publish(settings)

    users = feature_warehouse.execute(
        "select * replace (user_spend_90d::double as user_spend_90d, "
        "user_ratings_sum::double as user_ratings_sum, "
        "user_ratings_sum_sq::double as user_ratings_sum_sq) "
        "from features.ftr_users order by user_id, event_timestamp"
    )
    file = settings.current_features / "ftr_users.parquet"
    assert duckdb.execute(f"from '{file}'").fetchall() == users
    assert settings.current_features.is_symlink()
    snapshot = current_snapshot(settings)
    assert snapshot.as_of == datetime(2024, 4, 25, 12, tzinfo=UTC)
    assert result.count == sum(snapshot.rows.values())


def test_publishing_again_writes_nothing_but_the_heartbeats(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    client = connect(settings)
    before = stored(client)
    first_beat = client.get(heartbeat_key(settings.feast_project, "ftr_users"))
    client.config_resetstat()

    publish(settings)

    assert stored(client) == before
    assert client.get(heartbeat_key(settings.feast_project, "ftr_users")) != first_beat
    commands = client.info("commandstats")
    assert not {"cmdstat_hset", "cmdstat_hdel", "cmdstat_del"} & commands.keys()


def test_each_publish_leaves_its_record_in_the_lake(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    feature_warehouse.execute("delete from features.ftr_users where user_id = 'u4'")
    publish(settings)

    record = publications(settings)

    last = {view.view: view for view in record[:3]}
    first = {view.view: view for view in record[3:]}
    assert last.keys() == first.keys() == {"ftr_products", "ftr_user_categories", "ftr_users"}
    users = first["ftr_users"]
    assert (users.rows, users.written, users.deleted, users.everything) == (12, 12, 0, True)
    users = last["ftr_users"]
    assert (users.rows, users.written, users.deleted, users.everything) == (11, 0, 1, False)
    assert users.snapshot == current_snapshot(settings).hash
    assert users.published_at > first["ftr_users"].published_at
    assert all(view.seconds > 0 for view in record)


def test_equal_tables_give_equal_bytes_whatever_their_physical_order(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    first = current_snapshot(settings)
    before = {path.name: path.read_bytes() for path in first.folder.glob("*.parquet")}

    feature_warehouse.execute(
        "create or replace table features.ftr_users as "
        "from features.ftr_users order by hash(user_id || event_timestamp)"
    )
    publish(settings)
    for path in first.folder.glob("*.parquet"):
        assert path.read_bytes() == before[path.name]

    assert current_snapshot(settings).hash == first.hash


def test_late_row_reaches_redis(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    assert served(settings, "u1", "user_views_7d") == (6, Status.PRESENT)

    # an event that came late opens a change point that is older than what is online
    feature_warehouse.execute("delete from features.ftr_users where user_id = 'u2'")
    feature_warehouse.insert(
        "ftr_users", user_id="u2", event_timestamp=datetime(2024, 4, 3), user_views_7d=77
    )
    result = publish(settings)

    assert served(settings, "u2", "user_views_7d") == (77, Status.PRESENT)
    assert "1 written" in result.detail


def test_correction_with_the_same_time_reaches_redis(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)

    feature_warehouse.execute(
        "update features.ftr_users set user_views_7d = 123 "
        "where user_id = 'u3' and event_timestamp = '2024-04-20'"
    )
    result = publish(settings)

    assert served(settings, "u3", "user_views_7d") == (123, Status.PRESENT)
    assert "1 written" in result.detail


def test_a_window_that_expired_comes_due_when_the_clock_moves(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    feature_warehouse.insert(
        "ftr_users", user_id="u1", event_timestamp=datetime(2024, 4, 28), user_views_7d=0
    )
    publish(settings)
    assert served(settings, "u1", "user_views_7d")[0] == 6

    feature_warehouse.set_clock("2024-04-28 00:00:00")
    publish(settings)

    assert served(settings, "u1", "user_views_7d")[0] == 0


def test_entity_that_is_gone_is_not_found_any_more(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)

    feature_warehouse.execute("delete from features.ftr_users where user_id = 'u4'")
    result = publish(settings)

    assert served(settings, "u4", "user_views_7d") == (None, Status.NOT_FOUND)
    assert served(settings, "u5", "user_views_7d")[1] is Status.PRESENT
    assert "0 written, 1 deleted" in result.detail


def test_flushed_redis_is_noticed_and_restored(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    client = connect(settings)
    before = stored(client)
    client.flushall()
    with pytest.raises(NothingPublished):
        OnlineFeatures(settings).user("u1")

    publish(settings)

    assert stored(client) == before


def test_lost_entities_are_noticed_and_restored(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    client = connect(settings)
    before = stored(client)
    client.delete(*[key for key in before if b"u3" in key])

    result = publish(settings)

    assert stored(client) == before
    assert f"{len(_users(before))} written" in result.detail, "the products were all there"


def test_one_lost_entity_of_many_is_noticed_and_restored(crowded) -> None:
    settings = crowded.settings
    publish(settings)
    client = connect(settings)
    before = stored(client)
    client.set("of a shopper", "now", ex=1_000)  # real-time state comes and goes
    (lost,) = (key for key in before if b"m777r" in key)
    client.delete(lost)

    published = {view.view: view for view in republish(settings)}

    client.delete("of a shopper")
    assert stored(client) == before
    assert published["ftr_users"].everything
    assert not published["ftr_products"].everything, "none of it was lost"
    assert not any(view.everything for view in republish(settings)), "once is enough"


def test_what_somebody_else_adds_or_removes_is_no_loss(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    client = connect(settings)
    client.set("of somebody else", "here to stay")
    assert not any(view.everything for view in republish(settings))
    client.delete("of somebody else")
    assert not any(view.everything for view in republish(settings))


def test_what_redis_evicts_while_features_are_written_is_noticed_by_the_next_publish(
    crowded,
) -> None:
    settings = crowded.settings
    publish(settings)
    client = connect(settings)
    before = stored(client)
    client.config_set("maxmemory-policy", "allkeys-random")
    client.config_set("maxmemory", client.info("memory")["used_memory"] - 100_000)
    client.flushall()
    republish(settings)
    evicted = client.info("stats")["evicted_keys"]
    assert 0 < evicted < 2_000, "a loss that is small"
    client.config_set("maxmemory", 0)

    republish(settings)

    assert stored(client) == before


def test_a_redis_that_is_full_says_so_and_takes_the_rest_when_it_has_room(crowded) -> None:
    settings = crowded.settings
    client = connect(settings)
    client.config_set("maxmemory", client.info("memory")["used_memory"] + 1_000_000)

    with pytest.raises(RedisUnavailable) as caught:
        publish(settings)
    assert "maxmemory" in (caught.value.found or "")

    client.config_set("maxmemory", 0)
    publish(settings)
    assert sum(b"user_id" in key and b"category" not in key for key in stored(client)) == 20_012


def test_a_damaged_file_of_what_redis_holds_is_not_gone_by(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    with open(current_snapshot(settings).file("ftr_users"), "ab") as file:
        file.write(b"x")
    feature_warehouse.execute("update features.ftr_users set user_views_7d = 8")

    publish(settings)

    assert served(settings, "u1", "user_views_7d") == (8, Status.PRESENT)


@pytest.mark.parametrize("damage", ["truncated", "other bytes", "gone", "unreadable"])
def test_a_damaged_file_of_the_current_snapshot_is_replaced_by_the_next_publish(
    feature_warehouse, damage: str
) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    before = current_snapshot(settings)
    whole = {model: before.file(model).read_bytes() for model in before.files}
    for model, content in whole.items():
        if damage == "gone":
            before.file(model).unlink()
        elif damage == "unreadable":
            before.file(model).unlink()
            before.file(model).symlink_to(before.file(model).name)
        else:
            half = content[: len(content) // 2]
            before.file(model).write_bytes(
                half if damage == "truncated" else half + bytes(len(content) - len(half))
            )

    publish(settings)

    after = current_snapshot(settings)
    assert after.hash == before.hash
    assert {model: after.file(model).read_bytes() for model in after.files} == whole


def test_a_view_with_another_key_leaves_no_row_under_the_old_one(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    client = connect(settings)
    assert any(b"category" in key for key in stored(client))

    # user and category until now, user alone from now on
    feature_warehouse.execute("alter table features.ftr_user_categories drop column category")
    feature_warehouse.execute(
        "create or replace table features.ftr_user_categories as "
        "from features.ftr_user_categories qualify row_number() over (partition by user_id) = 1"
    )
    manifest = feature_warehouse.write_manifest(without=("category",))
    content = json.loads(manifest.read_text())
    meta = content["nodes"]["model.recomart.ftr_user_categories"]["config"]["meta"]
    meta["publish"]["order_by"] = ["user_id", "event_timestamp"]
    meta["feast"]["entities"] = ["user"]
    manifest.write_text(json.dumps(content))
    feature_warehouse.record_run()
    publish(settings)

    assert not any(b"category" in key for key in stored(client))
    users = [key for key in stored(client) if b"user_id" in key]
    assert len(users) == 12
    assert all(client.hexists(key, "_ts:ftr_user_categories") for key in users)


def test_full_repairs_what_somebody_else_broke(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    client = connect(settings)
    before = stored(client)
    first, *_ = sorted(before)
    client.hset(first, mapping=dict.fromkeys(client.hkeys(first), b"\x20\x63"))

    publish(settings)
    assert stored(client) != before, "a publish trusts the values that it wrote"
    publish(settings, full=True)

    assert stored(client) == before


def _killed_publish(settings: Settings) -> None:
    def die(what: str, done: int, total: int) -> None:
        if what == "ftr_users" and done:  # its changed row is in Redis, nothing is recorded
            os.kill(os.getpid(), signal.SIGKILL)

    publish_online(settings, current_snapshot(settings), progress=die)


def test_killed_halfway_and_run_again_ends_right(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    client = connect(settings)
    before = stored(client)
    change = "update features.ftr_users set user_views_7d = {} where user_id = 'u1'"
    original = feature_warehouse.execute(
        "select user_views_7d from features.ftr_users where user_id = 'u1' order by event_timestamp"
    )[-1][0]
    feature_warehouse.execute(
        change.format(99) + " and event_timestamp = (select max(event_timestamp) "
        "from features.ftr_users where user_id = 'u1')"
    )
    from feature_store.publish.snapshot_writer import take_snapshot

    take_snapshot(settings)
    child = multiprocessing.get_context("fork").Process(target=_killed_publish, args=(settings,))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert stored(client) != before, "the killed publish wrote the change"

    # the change is taken back: what was last recorded equals the new rows, Redis does not
    feature_warehouse.execute(
        change.format(original) + " and event_timestamp = (select max(event_timestamp) "
        "from features.ftr_users where user_id = 'u1')"
    )
    publish(settings)

    assert stored(client) == before


@pytest.mark.parametrize(
    ("run", "error"),
    [
        ({"failures": 1}, TransformFailed),
        ({"ended": False}, NotReady),
        ({"command": "run"}, NotReady),
        ({"complete": False}, NotReady),
    ],
)
def test_untested_tables_are_not_published(feature_warehouse, run, error) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    before = current_snapshot(settings)
    feature_warehouse.execute("update features.ftr_users set user_views_7d = 1000")
    feature_warehouse.record_run(**run)

    with pytest.raises(error):
        publish(settings)

    assert current_snapshot(settings) == before
    assert served(settings, "u1", "user_views_7d")[0] == 6


def test_tables_that_differ_from_the_manifest_are_not_published(feature_warehouse) -> None:
    feature_warehouse.execute("alter table features.ftr_users add column user_undeclared bigint")

    with pytest.raises(ConfigurationError, match="not what dbt's manifest declares") as caught:
        publish(feature_warehouse.settings)
    assert "user_undeclared" in (caught.value.found or "")


def test_a_removed_feature_leaves_no_field_behind(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    client = connect(settings)
    fields_before = {key: set(client.hkeys(key)) for key in stored(client)}

    feature_warehouse.execute("alter table features.ftr_users drop column user_spend_90d")
    feature_warehouse.write_manifest(without=("user_spend_90d",))
    feature_warehouse.record_run()
    publish(settings)

    users = [key for key in fields_before if b"user_id" in key and b"category" not in key]
    assert len(users) == 12
    for key in users:
        assert len(client.hkeys(key)) == len(fields_before[key]) - 1
    names = [value.feature for value in OnlineFeatures(settings).user("u1")]
    assert "user_spend_90d" not in names
    assert "user_views_7d" in names


def test_a_shop_without_a_clock_is_not_published(feature_warehouse) -> None:
    feature_warehouse.execute("delete from marts.dim_shop")

    with pytest.raises(NotReady, match="no clock"):
        publish(feature_warehouse.settings)


def test_a_lake_without_a_warehouse_is_not_ready(settings: Settings) -> None:
    with pytest.raises(NotReady, match="no warehouse"):
        publish(settings)


def test_two_shops_in_one_redis_do_not_meet(feature_warehouse, tmp_path: Path) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    client = connect(settings)
    before = stored(client)
    other = settings.model_copy(update={"shop": "another_demo", "redis_url": redis_url(settings)})
    publish_online(other, current_snapshot(settings), progress=no_progress, full=True)
    publish_online(other, current_snapshot(settings), progress=no_progress, full=True)

    after = stored(client)
    assert {key: after[key] for key in before} == before
    assert len(after) == 2 * len(before)


def test_old_snapshots_go_but_those_that_models_name_stay(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    current = current_snapshot(settings).folder
    for age in range(1, KEPT + 4):
        folder = settings.features / f"old{age:02d}"
        folder.mkdir()
        (folder / "snapshot.json").write_text("{}")
        os.utime(folder, (1_700_000_000 - age, 1_700_000_000 - age))
    with sqlite3.connect(settings.lake / "mlflow.db") as registry:
        registry.execute("create table model_version_tags (name, version, key, value)")
        registry.execute("create table model_versions (name, version, current_stage)")
        registry.execute("insert into model_version_tags values ('m', 1, 'features_hash', 'old13')")
        registry.execute("insert into model_version_tags values ('m', 2, 'features_hash', 'old12')")
        # MLflow keeps the tags of a deleted version
        registry.execute(
            "insert into model_versions values ('m', 1, 'None'), ('m', 2, 'Deleted_Internal')"
        )

    removed = prune(settings)

    assert [folder.name for folder in removed] == ["old10", "old11", "old12"]
    assert current.exists()
    assert (settings.features / "old13").exists()


def test_nothing_is_removed_when_the_registry_cannot_be_read(settings: Settings) -> None:
    for age in range(KEPT + 2):
        (settings.features / f"old{age}").mkdir(parents=True)
        (settings.features / f"old{age}" / "snapshot.json").write_text("{}")
    (settings.lake / "mlflow.db").write_bytes(b"not a database")

    assert prune(settings) == []
