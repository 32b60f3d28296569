"""A mended rule takes quarantined rows back in at the next transform, and a tightened one out."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.ingest import declare, ingest
from recomart.errors import NotReady
from recomart.settings import Settings, load_settings

SHOP = """\
title: Way back
as_of: now
rating_scale: [1, 5]
ratings:
  files: ratings.csv
  columns: {user_id: user, product_id: item, rating: stars, rated_at: time}
"""
RATINGS = "user,item,stars,time\n" + "".join(
    f"u{n % 3},p{n},{n % 10 + 1},2024-03-01T10:00:00Z\n" for n in range(30)
)
"""Three of each rating from 1 to 10."""


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    (tmp_path / "way_back.yml").write_text(SHOP)
    (tmp_path / "ratings.csv").write_text(RATINGS)
    return load_settings(shop=str(tmp_path / "way_back.yml"), lake=tmp_path / "lake", threads=2)


def _declare(shop: Settings, text: str) -> None:
    shop.shop_file.write_text(text)
    declare(shop)


def test_rows_come_back_and_go_with_the_rule_and_nothing_is_loaded(shop, dbt, read) -> None:
    def transformed() -> tuple:
        """What became of the records, after a build whose tests hold the account."""
        status = dbt.run(shop.lake, "build", "--select", "+dq_stops", "+dq_reconciliation")
        assert status["dq_reconciles"] == "pass", status
        account = "records, accepted, quarantined from quality.dq_reconciliation"
        reasons = "select distinct reject_reasons from quality.quarantine_ratings"
        return *read(shop.lake, f"select {account}"), read(shop.lake, reasons)

    ingest(shop)
    as_received = read(shop.lake, "select * from raw.ratings order by all")
    loads = read(shop.lake, "from raw._loads")
    now = read(shop.lake, "select value from raw._shop where key = 'as_of'")
    assert transformed() == ((30, 15, 15), [("out_of_range_rating",)])

    _declare(shop, SHOP.replace("[1, 5]", "[1, 10]"))
    assert transformed() == ((30, 30, 0), [])
    assert read(shop.lake, "select count(*) from marts.fct_ratings where rating = 10") == [(3,)]

    tightened = "rules: {ratings: {columns: {rating: {range: {above: 2, at_most: 9}}}}}\n"
    _declare(shop, SHOP.replace("[1, 5]", "[1, 10]") + tightened)
    assert transformed() == ((30, 21, 9), [("out_of_range_rating",)])

    assert read(shop.lake, "select * from raw.ratings order by all") == as_received
    assert read(shop.lake, "from raw._loads") == loads
    assert read(shop.lake, "select value from raw._shop where key = 'as_of'") == now


def test_before_any_ingest_there_is_nothing_to_declare_to(shop) -> None:
    with pytest.raises(NotReady, match="recomart ingest"):
        declare(shop)
