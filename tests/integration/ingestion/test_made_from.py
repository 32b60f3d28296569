"""Records made from another entity's bytes: lists from events, ratings from a catalogue."""

from __future__ import annotations

import json

import duckdb
from pytest_httpserver import HTTPServer
from werkzeug import Response

from ingestion.ingest import ingest

CLICKS = """
events:
  files: "in/*.csv"
  time_format: epoch_seconds
  columns:
    event_id: {hash_of: [who, what, at]}
    event_type: {value: view}
    user_id: who
    product_id: what
    occurred_at: at
products:
  made_from: events
  columns: {product_id: what, category: kind}
users:
  made_from: events
  columns: {user_id: who, signed_up_at: at}
"""
HEADER = "who,what,kind,at\n"


def test_a_list_has_each_combination_once_where_it_was_last_seen(user_shop) -> None:
    user_shop.declare(CLICKS.replace(", signed_up_at: at", ""))
    clicks = "u1,p1,toys,1\nu2,p1,games,2\nu1,p1,toys,3\nu1,,toys,4\nu1,p2\nu3,p2,,5\n"
    user_shop.write("a.csv", HEADER + clicks)
    ingest(user_shop.settings)
    products = "select product_id, category, _record from raw.products order by _record"
    assert user_shop.query(products) == [
        ("p1", "games", 2),
        ("p1", "toys", 3),
        ("p2", None, 5),
    ]
    users = "select user_id, _record from raw.users order by _record"
    assert user_shop.query(users) == [("u2", 2), ("u1", 4), ("u3", 5)]
    ledger = "select entity, lines, header, rejected, records from raw._loads order by batch_id"
    assert user_shop.query(ledger) == [
        ("events", 7, 1, 1, 5),
        ("users", 3, 0, 0, 3),
        ("products", 3, 0, 0, 3),
    ]


def test_each_entry_knows_the_records_that_have_it(user_shop) -> None:
    user_shop.declare(CLICKS.replace(", signed_up_at: at", ""))
    lines = "u1,p1,toys,1\nu2,p1,games,2\nu1,p1,toys,3\nu1,,toys,4\nu1,p2\nu3,p2,,5\n"
    user_shop.write("a.csv", HEADER + lines)
    ingest(user_shop.settings)
    origins = "select _record, origin_record from raw._list_origins where entity = ? order by all"
    of_products = origins.replace("?", "'products'")
    assert user_shop.query(of_products) == [(2, 2), (3, 1), (3, 3), (5, 5)]
    of_users = [(2, 2), (4, 1), (4, 3), (4, 4), (5, 5)]
    assert user_shop.query(origins.replace("?", "'users'")) == of_users
    user_shop.declare(
        CLICKS.replace(", signed_up_at: at", "").replace("category: kind", "title: kind")
    )
    ingest(user_shop.settings)
    assert user_shop.query(of_products) == [(2, 2), (3, 1), (3, 3), (5, 5)]


def test_two_readings_of_a_file_number_its_records_alike(user_shop) -> None:
    """A line with half of a surrogate pair counts for none, though only one reading looks at it."""
    clicks = CLICKS.replace("*.csv", "*.jsonl").replace(
        "  time_format", "  format: jsonl\n  time_format"
    )
    user_shop.declare(clicks.split("users:")[0])
    rows = [f'{{"who": "u{n}", "what": "p{n}", "kind": "toys", "at": {n}}}' for n in (1, 2, 3)]
    rows[1] = rows[1].replace("toys", "\\ud800")
    user_shop.write("a.jsonl", "\n".join(rows) + "\n")
    ingest(user_shop.settings)
    for entity in ("events", "products"):
        found = user_shop.query(f"select product_id, _record from raw.{entity} order by _record")
        assert found == [("p1", 1), ("p3", 2)]


def test_the_bytes_land_once_and_a_rerun_makes_nothing_again(user_shop) -> None:
    user_shop.declare(CLICKS)
    user_shop.write("a.csv", HEADER + "u1,p1,toys,1\n")
    ingest(user_shop.settings)
    assert len(user_shop.landed()) == 1
    assert user_shop.query("select distinct source, landed_file, sha256 from raw._loads") != []
    assert len(user_shop.query("select distinct landed_file, sha256 from raw._loads")) == 1
    assert ingest(user_shop.settings).loaded == ()
    user_shop.write("b.csv", HEADER + "u1,p2,toys,2\n")
    again = ingest(user_shop.settings)
    assert [load.entity for load in again.loaded] == ["events", "users", "products"]
    assert user_shop.query("select product_id from raw.products order by 1") == [("p1",), ("p2",)]


def test_what_is_made_later_comes_from_what_landed_before(user_shop) -> None:
    user_shop.declare(CLICKS.split("products:")[0] + "  ignore: [kind]\n")
    path = user_shop.write("a.csv", HEADER + "u1,p1,toys,1\n")
    ingest(user_shop.settings)
    path.unlink()
    user_shop.write("b.csv", HEADER + "u1,p2,games,1\n")
    user_shop.declare(CLICKS)
    ingest(user_shop.settings)
    assert user_shop.query("select product_id, category from raw.products order by 1") == [
        ("p1", "toys"),
        ("p2", "games"),
    ]


def test_another_mapping_makes_the_list_anew(user_shop) -> None:
    user_shop.declare(CLICKS)
    user_shop.write("a.csv", HEADER + "u1,p1,toys,1\nu2,p1,games,2\n")
    ingest(user_shop.settings)
    user_shop.declare(CLICKS.replace("category: kind", "title: kind"))
    summary = ingest(user_shop.settings)
    assert [load.entity for load in summary.reloaded] == ["products"]
    assert user_shop.query("select title, category from raw.products order by 1") == [
        ("games", None),
        ("toys", None),
    ]


def test_a_list_that_cannot_be_made_keeps_its_batch_until_it_can(user_shop, error_of) -> None:
    user_shop.declare(CLICKS.replace("signed_up_at: at", "signed_up_at: on"))
    user_shop.write("a.csv", HEADER + "u1,p1,toys,1\n")
    ledger = "select batch_id, status from raw._loads where entity = 'users'"
    for _ in range(2):
        assert 'has no column "on" for signed_up_at' in error_of(ingest, user_shop.settings)
        assert user_shop.query(ledger) == [("00000002", "failed")]
    user_shop.declare(CLICKS)
    ingest(user_shop.settings)
    assert user_shop.query(ledger) == [("00000002", "loaded")]
    assert user_shop.query("select user_id, signed_up_at from raw.users") == [("u1", "1")]
    assert len(user_shop.landed()) == 1


def test_the_time_format_is_that_of_the_bytes(user_shop) -> None:
    user_shop.declare(CLICKS)
    user_shop.write("a.csv", HEADER + "u1,p1,toys,1\n")
    ingest(user_shop.settings)
    formats = "select value from raw._shop where entity = 'users' and key = 'time_format'"
    assert user_shop.query(formats) == [("epoch_seconds",)]


def test_an_origin_must_have_bytes_of_its_own(user_shop, error_of) -> None:
    user_shop.declare(CLICKS.replace("  made_from: events", "  made_from: event", 1))
    error = error_of(ingest, user_shop.settings)
    assert "error[unknown-source]: products is made from 'event'" in error
    assert 'did you mean "events"?' in error
    user_shop.declare(CLICKS.replace("made_from: events\n", "made_from: events\n  each: lines\n"))
    assert "error[no-nested-list]" in error_of(ingest, user_shop.settings)


CATALOGUE = """
products:
  api: "{url}"
  updated_since_param: since
  columns: {product_id: id, updated_at: changed}
ratings:
  made_from: products
  each: reviews
  columns: {user_id: by, product_id: ^.id, rating: stars, rated_at: at}
"""


def test_a_new_review_arrives_though_its_product_did_not_change(
    user_shop, httpserver: HTTPServer
) -> None:
    reviews = [{"by": "u1", "stars": 5, "at": "2026-01-01"}]
    product = {"id": 7, "changed": "2026-01-01T00:00:00Z", "reviews": reviews}
    httpserver.expect_request("/p").respond_with_handler(
        lambda _: Response(json.dumps({"items": [product], "total": 1}), mimetype="text/json")
    )
    user_shop.declare(CATALOGUE.replace("{url}", httpserver.url_for("/p")))
    ingest(user_shop.settings)
    reviews.append({"by": "u2", "stars": 1, "at": "2026-01-02"})
    ingest(user_shop.settings)
    found = user_shop.query(
        "select distinct user_id, product_id, rating, rated_at from raw.ratings order by 1"
    )
    assert found == [("u1", "7", "5", "2026-01-01"), ("u2", "7", "1", "2026-01-02")]
    assert ingest(user_shop.settings).loaded == ()


def test_a_lake_that_is_older_than_a_column_gets_it(user_shop) -> None:
    user_shop.write("a.csv", "user,item,stars,time\nu1,p1,5,2026-01-01\n")
    ingest(user_shop.settings)
    with duckdb.connect(str(user_shop.settings.warehouse)) as connection:
        connection.execute("alter table raw.transactions drop column line_total")
    ingest(user_shop.settings)
    assert user_shop.query("select line_total from raw.transactions") == []
