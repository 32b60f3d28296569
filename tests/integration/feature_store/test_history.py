"""What is recorded of each published version, and putting one back."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import redis

from feature_store.online.lookup import OnlineFeatures
from feature_store.online.redis import connect
from feature_store.publish.publisher import publish
from feature_store.publish.restore import history, restore
from feature_store.snapshots import Batch, current_snapshot, find_snapshot, read_snapshot
from recomart.errors import RedisUnavailable, SnapshotDamaged, UnknownName
from recomart.files import sha256_of
from recomart.settings import Settings

CHANGE = "update features.ftr_users set user_views_7d = {} where user_id = 'u3'"


def rows_online(client: redis.Redis) -> dict[bytes, object]:
    return {key: client.hgetall(key) for key in client.scan_iter() if b"recomart:" not in key}


def named(batches: tuple[Batch, ...]) -> list[str]:
    return [batch.batch_id for batch in batches]


def test_a_snapshot_records_schema_files_and_the_batches_that_were_built(
    feature_warehouse,
) -> None:
    settings = feature_warehouse.settings
    feature_warehouse.load("00000001", records=7)
    feature_warehouse.load("00000002", built=False)  # ingested after dbt's last build
    feature_warehouse.load("00000003", status="failed")

    publish(settings)

    snapshot = current_snapshot(settings)
    (batch,) = snapshot.batches
    assert (batch.batch_id, batch.entity, batch.records) == ("00000001", "events", 7)
    assert (batch.landed_file, batch.sha256) == ("raw/files/events/1.csv", f"{1:064x}")
    for model, columns in snapshot.schema.items():
        described = duckdb.execute(f"describe from '{snapshot.file(model)}'").fetchall()
        assert columns == {name: kind for name, kind, *_ in described}
        assert snapshot.files[model] == sha256_of(snapshot.file(model))
    assert read_snapshot(snapshot.folder) == snapshot, "what is written is what is read"


def test_equal_bytes_from_new_batches_keep_the_hash_and_tell_the_batches_apart_by_time(
    feature_warehouse,
) -> None:
    settings = feature_warehouse.settings
    feature_warehouse.load("00000001")
    publish(settings)
    first = current_snapshot(settings)
    publish(settings)
    assert current_snapshot(settings) == first, "nothing is new, nothing is written"

    feature_warehouse.load("00000002")
    feature_warehouse.execute("delete from quality.dq_reconciliation where batch_id = '00000001'")
    publish(settings)

    second = current_snapshot(settings)
    assert (second.hash, second.published_at) == (first.hash, first.published_at)
    assert named(second.batches) == ["00000001", "00000002"]
    assert named(second.batches_behind()) == ["00000002"]
    assert named(second.batches_behind(first.batches_at)) == ["00000001"]
    assert len(history(settings)) == 1


@pytest.fixture
def two_versions(feature_warehouse) -> tuple[Settings, str, str]:
    """A lake that published twice: what user u3 has differs, and user u4 is gone in the second."""
    settings = feature_warehouse.settings
    publish(settings)
    first = current_snapshot(settings).hash
    feature_warehouse.execute(CHANGE.format(123))
    feature_warehouse.execute("delete from features.ftr_users where user_id = 'u4'")
    # the second version knows a younger row, which is online until the first is put back
    feature_warehouse.insert(
        "ftr_users", user_id="u5", event_timestamp=datetime(2024, 4, 24), user_views_7d=55
    )
    publish(settings)
    return settings, first, current_snapshot(settings).hash


def test_restore_brings_back_files_and_the_very_rows_of_redis(two_versions) -> None:
    settings, first, second = two_versions
    client = connect(settings)
    of_second = rows_online(client)
    restore(settings, second)
    assert rows_online(client) == of_second

    result = restore(settings, first)

    # the same snapshot published to an empty Redis is what must be there
    of_first = rows_online(client)
    client.flushall()
    restore(settings, first)
    assert rows_online(client) == of_first != of_second
    assert current_snapshot(settings).hash == first
    served = {value.feature: value.value for value in OnlineFeatures(settings).user("u5")}
    assert served["user_views_7d"] != 55
    assert "until the next publish" in result.detail
    assert [(p.hash, p.current) for p in history(settings)] == [(second, False), (first, True)]


def test_the_next_publish_after_a_restore_brings_the_newest_back_by_the_difference(
    two_versions,
) -> None:
    settings, first, second = two_versions
    client = connect(settings)
    before = rows_online(client)
    restore(settings, first)

    result = publish(settings)

    assert current_snapshot(settings).hash == second
    assert rows_online(client) == before
    assert "2 written, 1 deleted" in result.detail, "u3 and u5 differ, u4 is gone"


def test_restore_takes_definitions_with_it(feature_warehouse) -> None:
    from feature_store.stores import open_store

    settings = feature_warehouse.settings
    publish(settings)
    first = current_snapshot(settings).hash
    feature_warehouse.execute("alter table features.ftr_users drop column user_spend_90d")
    feature_warehouse.write_manifest(without=("user_spend_90d",))
    feature_warehouse.record_run()
    publish(settings)

    def features() -> set[str]:
        view = open_store(settings).get_feature_view("ftr_users")
        return {field.name for field in view.features}

    assert "user_spend_90d" not in features()
    restore(settings, first[:6])

    assert "user_spend_90d" in features()
    served = {value.feature: value.value for value in OnlineFeatures(settings).user("u1")}
    assert served["user_spend_90d"] == 10.99


def test_a_hash_that_nothing_has_names_the_nearest(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    hash = current_snapshot(settings).hash
    mistyped = ("0" if hash[0] != "0" else "1") + hash[1:]

    with pytest.raises(UnknownName, match="no snapshot has the hash") as caught:
        restore(settings, mistyped)
    assert caught.value.found == f"nearest: {hash}"
    with pytest.raises(UnknownName):
        restore(settings, hash[:3])


def test_the_beginning_of_two_hashes_names_neither(feature_warehouse) -> None:
    settings = feature_warehouse.settings
    publish(settings)
    folder = current_snapshot(settings).folder
    twin = shutil.copytree(folder, folder.with_name(folder.name[:8] + "0" * 8))

    with pytest.raises(UnknownName, match="several snapshots begin") as caught:
        find_snapshot(settings, folder.name[:8])
    assert sorted(caught.value.found.split(", ")) == sorted([folder.name, twin.name])


def test_a_snapshot_with_other_bytes_is_not_put_back(two_versions) -> None:
    settings, first, second = two_versions
    file = find_snapshot(settings, first).file("ftr_users")
    shutil.copyfile(find_snapshot(settings, second).file("ftr_users"), file)

    with pytest.raises(SnapshotDamaged, match=r"ftr_users\.parquet"):
        restore(settings, first)
    assert current_snapshot(settings).hash == second


def test_restore_without_redis_says_to_run_the_restore_again(two_versions) -> None:
    settings, first, _ = two_versions
    gone = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})

    with pytest.raises(RedisUnavailable) as caught:
        restore(gone, first)
    assert f"--restore {first}" in caught.value.help

    restore(settings, first)
    served = {value.feature: value.value for value in OnlineFeatures(settings).user("u3")}
    assert served["user_views_7d"] != 123


def test_a_record_of_before_batches_were_kept_can_be_read_and_restored(two_versions) -> None:
    settings, first, _ = two_versions
    record: Path = find_snapshot(settings, first).folder / "snapshot.json"
    content = json.loads(record.read_text())
    for key in ("schema", "files", "batches", "batches_at"):
        del content[key]
    record.write_text(json.dumps(content))

    restore(settings, first)

    assert current_snapshot(settings).batches == ()
