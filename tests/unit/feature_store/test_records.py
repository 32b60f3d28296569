"""Records of what was published: the same bytes as ever, old ones readable, damaged ones named."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feature_store.derived_feature import Prior
from feature_store.online.heartbeat import Heartbeat, Publication
from feature_store.online.layout import ViewLayout
from feature_store.publish.publish_log import ViewPublication, publications, record
from feature_store.records import DamagedRecord
from feature_store.snapshots import RECORD, read_snapshot
from recomart.errors import SnapshotDamaged
from recomart.settings import load_settings

OLD = Path(__file__).parents[2] / "data" / "before_the_move" / "features"
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HEARTBEAT = (
    '{"hash": "ab", "as_of": "2026-11-30T12:00:00+00:00", '
    '"published_at": "2026-11-30T12:00:00.000250+00:00", "rows": 7, "stale_after_hours": 48.0, '
    '"features": [["\\u00e4", "Int64"], ["b", "String"]], "join_keys": ["user_id", "category"]}'
)
PUBLICATION = (
    '{"hash": "ab", "as_of": "2026-11-30T12:00:00+00:00", '
    '"published_at": "2026-11-30T12:00:00+00:00", "views": ["ftr_users"], "prior_rating": null, '
    '"prior_weight": 5.0, "services": {"recommendation_v1": ["ftr_users"]}}'
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The folder of a snapshot that the code before the move published."""
    (folder,) = OLD.iterdir()
    return Path(shutil.copytree(folder, tmp_path / folder.name))


def test_a_heartbeat_is_the_text_that_it_always_was() -> None:
    layout = ViewLayout("p", "v", ("user_id", "category"), (("ä", "Int64"), ("b", "String")))
    beat = Heartbeat(layout, "ab", NOON, NOON.replace(microsecond=250), 7, 48.0)

    assert beat.to_json() == HEARTBEAT
    assert Heartbeat.from_json("p", "v", HEARTBEAT.encode()) == beat


def test_a_publication_is_the_text_that_it_always_was() -> None:
    services = {"recommendation_v1": ("ftr_users",)}
    one = Publication("p", "ab", NOON, NOON, ("ftr_users",), Prior(math.nan, 5.0), services)

    assert one.to_json() == PUBLICATION
    read = Publication.from_json("p", PUBLICATION)
    assert math.isnan(read.prior.rating)
    assert replace(read, prior=one.prior) == one


def test_a_publication_of_before_services_were_written_has_none() -> None:
    content = json.loads(PUBLICATION)
    del content["services"]

    assert Publication.from_json("p", json.dumps(content)).services == {}


def test_a_snapshots_record_of_the_code_before_is_written_as_it_was(old: Path) -> None:
    snapshot = read_snapshot(old)

    assert snapshot.hash == old.name
    assert snapshot.batches[0].until is None
    assert snapshot.to_json() == (old / RECORD).read_text()


def test_a_line_of_the_publish_log_is_the_text_that_it_always_was(tmp_path: Path) -> None:
    settings = load_settings(shop="demo", lake=tmp_path)
    one = ViewPublication("ftr_users", "ab", NOON, NOON, 7, 3, 1, False, 0.25)
    record(settings, [one])

    file = settings.features / "published.jsonl"
    assert file.read_text() == (
        '{"view": "ftr_users", "snapshot": "ab", "as_of": "2026-11-30T12:00:00+00:00", '
        '"published_at": "2026-11-30T12:00:00+00:00", "rows": 7, "written": 3, "deleted": 1, '
        '"everything": false, "seconds": 0.25}\n'
    )
    assert publications(settings) == [one]
    file.write_text(file.read_text() + '{"view": 1}\n')
    with pytest.raises(SnapshotDamaged) as caught:
        publications(settings)
    assert caught.value.where == f"{file}:2"


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (("{", "["), "JSON"),
        (('"shop"', '"ship"'), "shop"),
        (('"rows": {', '"rows": {"x": "many",'), "rows.x"),
        (('"as_of": "2026', '"as_of": "yesterday'), "as_of"),
    ],
)
def test_a_damaged_record_names_file_and_key(
    old: Path, damage: tuple[str, str], found: str
) -> None:
    file = old / RECORD
    file.write_text(file.read_text().replace(*damage, 1))

    with pytest.raises(SnapshotDamaged, match="not the record of a snapshot") as caught:
        read_snapshot(old)
    assert caught.value.where == str(file)
    assert found in str(caught.value.found)


def test_a_damaged_heartbeat_says_what_is_wrong_with_it() -> None:
    with pytest.raises(DamagedRecord, match="rows"):
        Heartbeat.from_json("p", "v", HEARTBEAT.replace('"rows": 7', '"rows": "many"'))
