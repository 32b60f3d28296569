"""The quarantine view, against a warehouse by hand and the demo shop's own tables."""

from __future__ import annotations

import pytest

from quality.quarantine import QuarantinedRow, ReasonCount, counts, rows
from recomart.errors import NotReady, UnknownName
from recomart.settings import Settings
from recomart.shop.entities import ENTITIES
from recomart.warehouse import warehouse

RAW = """
create schema raw; create schema quality;
create table raw._loads as select unnest(['00000001', '00000002']) as batch_id;
create table raw.rejects (batch_id text, source_file text, line bigint, byte_offset bigint,
    reason text, text text);
insert into raw.rejects values ('00000002', 'r.csv', 9, 80, '3 fields, expected 2', 'a,b,\x1b[2J');
"""
RATINGS = """
insert into quality.quarantine_ratings values
    ('u1', '9', 'out_of_range_rating', '00000002', 'r.csv', 4, now()),
    (null, 'x', 'missing_user_id,invalid_rating', '00000001', 'q.csv', 7, now()),
    ('u2', '8', 'out_of_range_rating', '00000001', 'q.csv', 2, now());
create table quality.dq_rules as select * from (values
    ('unknown_user', 'quarantined'), ('rare_brand', 'flagged')) as t (code, outcome);
"""


@pytest.fixture
def quarantined(settings: Settings) -> Settings:
    with warehouse(settings) as connection:
        connection.execute(RAW)
        for entity in ENTITIES:
            connection.execute(
                f"create table quality.quarantine_{entity} (user_id text, rating text,"
                " reject_reasons text, _batch_id text, _source_file text, _record bigint,"
                " _loaded_at timestamp)"
            )
        connection.execute(RATINGS)
    return settings


def test_each_reason_is_counted_with_its_batches_and_lines_come_last(quarantined: Settings) -> None:
    assert counts(quarantined) == [
        ReasonCount("ratings", "out_of_range_rating", 2, 2),
        ReasonCount("ratings", "invalid_rating", 1, 1),
        ReasonCount("ratings", "missing_user_id", 1, 1),
        ReasonCount(None, "3 fields, expected 2", 1, 1),
    ]
    assert counts(quarantined, batch="00000002") == [
        ReasonCount("ratings", "out_of_range_rating", 1, 1),
        ReasonCount(None, "3 fields, expected 2", 1, 1),
    ]


def test_rows_are_as_received_in_order_of_batch_and_record(quarantined: Settings) -> None:
    found = rows(quarantined, "ratings")
    assert [(row.batch_id, row.place) for row in found] == [
        ("00000001", 2),
        ("00000001", 7),
        ("00000002", 4),
    ]
    assert found[1] == QuarantinedRow(
        entity="ratings",
        reasons=("missing_user_id", "invalid_rating"),
        batch_id="00000001",
        source_file="q.csv",
        place=7,
        values=(("user_id", None), ("rating", "x")),
    )
    assert rows(quarantined, "ratings", limit=1) == found[:1]


def test_rows_by_reason_and_batch(quarantined: Settings) -> None:
    by_reason = rows(quarantined, "ratings", reason="invalid_rating")
    assert [row.place for row in by_reason] == [7], "a reason next to another is found too"
    both = rows(quarantined, "ratings", reason="out_of_range_rating", batch="00000002")
    assert [row.place for row in both] == [4]


def test_rejected_lines_belong_to_no_entity(quarantined: Settings) -> None:
    (line,) = rows(quarantined, None)
    assert (line.entity, line.reasons, line.place) == (None, ("3 fields, expected 2",), 9)
    assert line.values == (("text", "a,b,\x1b[2J"),), "the text stays as received"


def test_a_reason_that_a_rule_gives_and_no_row_has_is_empty(quarantined: Settings) -> None:
    assert rows(quarantined, "ratings", reason="unknown_user") == []


@pytest.mark.parametrize(
    ("asked", "code", "nearest"),
    [
        ({"entity": "rating"}, "unknown-entity", "did you mean ratings"),
        (
            {"entity": "ratings", "reason": "out_of_range_ratings"},
            "unknown-reason",
            "out_of_range_rating",
        ),
        ({"entity": "ratings", "reason": "rare_brand"}, "unknown-reason", "there are"),
        ({"entity": "ratings", "batch": "00000003"}, "unknown-batch", "00000002"),
    ],
)
def test_unknown_names_are_errors_with_the_nearest(
    quarantined: Settings, asked: dict[str, str], code: str, nearest: str
) -> None:
    with pytest.raises(UnknownName) as error:
        rows(quarantined, **asked)  # type: ignore[arg-type]
    assert error.value.code == code
    assert nearest in (error.value.help or "")


def test_before_the_first_transform_no_row_was_checked(settings: Settings) -> None:
    with pytest.raises(NotReady, match="ingest"):
        counts(settings)
    with warehouse(settings) as connection:
        connection.execute(RAW)
    for ask in (lambda: counts(settings), lambda: rows(settings, "ratings")):
        with pytest.raises(NotReady, match="recomart transform"):
            ask()


def test_demo_shop_lists_every_row_that_its_tables_hold(demo_lake: Settings) -> None:
    with warehouse(demo_lake, read_only=True) as connection:
        quarantined = {
            entity: connection.execute(
                f"select count(*) from quality.quarantine_{entity}"
            ).fetchall()[0][0]
            for entity in ENTITIES
        }
        rejected = connection.execute("select count(*) from raw.rejects").fetchall()[0][0]
    assert quarantined["ratings"]
    assert quarantined["events"]
    assert rejected
    counted = counts(demo_lake)
    for entity, number in quarantined.items():
        found = rows(demo_lake, entity, limit=1_000_000)
        assert len(found) == number
        reasons = [reason for row in found for reason in row.reasons]
        assert {c.reason: c.rows for c in counted if c.entity == entity} == {
            reason: reasons.count(reason) for reason in set(reasons)
        }
    assert sum(c.rows for c in counted if c.entity is None) == rejected
