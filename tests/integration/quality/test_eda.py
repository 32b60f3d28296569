"""The exploratory plots: readings of a warehouse counted by hand, and of the demo shop."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from PIL import Image

from quality.eda import activity, draw, funnel, values
from quality.eda.picture import NotDrawn, Plot
from quality.eda.source import Source
from recomart.errors import NotReady
from recomart.settings import Settings, load_settings
from recomart.warehouse import warehouse

BY_HAND = """
create schema marts; create schema features;
create table marts.dim_shop as select 'By $hand$' as title, 'EUR' as currency,
    timestamp '2024-03-15 12:00:00' as as_of, timestamp '2024-01-01 09:00:00' as first_activity_at,
    1::double as rating_min, 5::double as rating_max, 4::double as relevant_rating;
create table marts.dim_users as select unnest(['u1', 'u2', 'u3', 'u4']) as user_id;
create table marts.dim_products (product_id text, category text, price decimal(18, 4));
insert into marts.dim_products values
    ('p1', 'A', 10), ('p2', 'A', 20), ('p3', 'B', 30), ('p4', 'B', 40), ('p5', null, null);
create table marts.fct_ratings (user_id text, rating decimal(18, 4));
insert into marts.fct_ratings values ('u1', 5), ('u1', 5), ('u2', 4), ('u3', 1);
create table marts.fct_transactions (order_id text, unit_price double, line_total double,
    quantity double);
create table marts.fct_interactions (user_id text, product_id text, kind text,
    occurred_at timestamp);
insert into marts.fct_interactions
select u, p, kind, timestamp '2024-01-01 09:15:00' from (values
    ('u1', 'p1', 'view'), ('u1', 'p1', 'view'), ('u1', 'p1', 'view'), ('u1', 'p1', 'add_to_cart'),
    ('u1', 'p1', 'purchase'), ('u1', 'p2', 'view'), ('u2', 'p1', 'view'),
    ('u2', 'p1', 'add_to_cart'), ('u2', 'p2', 'view'), ('u2', 'p2', 'purchase'),
    ('u4', 'p5', 'impression')
) as t (u, p, kind);
insert into marts.fct_interactions values ('u3', 'p3', 'purchase', '2024-01-08 10:45:00');
create table features.ftr_users as
select u as user_id, day::timestamp as event_timestamp, n as user_interactions_30d,
    n as user_views_30d, 0 as user_carts_30d, 0 as user_purchases_30d
from (values ('u1', '2024-01-02', 4), ('u2', '2024-01-02', 1), ('u1', '2024-03-01', 1),
    ('u2', '2024-03-01', 1), ('u2', '2024-03-16', 9), ('u3', '2024-03-01', 0)) as t (u, day, n);
create table features.ftr_products as
select 'p1' as product_id, timestamp '2024-01-02' as event_timestamp, 0 as product_views_30d,
    0 as product_carts_30d, 0 as product_purchases_30d;
"""
READINGS = {
    "ratings.png": "The mean is 3.75 on a scale of 1 to 5; 75% of the ratings are 4 or more, which"
    " counts as liked.",
    "prices.png": "The median price is 25.00 EUR; half of all prices lie between 17.50 and 32.50,"
    " and the highest is 40.00.",
    "activity_per_user.png": "Half of all interactions come from 25% of the users (1 of 4); the"
    " median active user has 4, and 1 user has none.",
    "activity_per_product.png": "Half of all interactions go to 20% of the products (1 of 5); the"
    " median active product has 3, and 2 products have none.",
    # 10 in two Mondays; 11 in the 170 hours from Monday 09:00 to the next Monday's 10:59
    "hours.png": "The busiest hour is Monday 09:00 UTC with 5.0 interactions, 77.3 times the mean"
    " of 0.1; the quietest hour of the day is 00:00.",
    "funnel.png": "Of 4 user-product pairs viewed, 50% were put into the cart and 50% bought, 25%"
    " with a cart recorded; 1 more was bought without being viewed.",
    "sparsity.png": "25% of the matrix of 4 users and 5 products is filled (5 pairs); the busiest"
    " tenth of both, 1% of the cells, holds 20% of the pairs.",
    "categories.png": "A has the most interactions of 2 categories, 91%, with 40% of the products;"
    " half of all interactions are in 1 category.",
    # then one user in 4-7 and one in 1, now both in 1: .5 ln 2 + .25 ln 2
    "drift_users.png": "interactions_30d moved most, a lot (PSI 0.52; 0.1 and less is stable,"
    " above 0.25 large). 2 users were active in the first month, 2 in the last.",
}


@pytest.fixture
def by_hand(settings: Settings) -> Settings:
    with warehouse(settings) as connection:
        connection.execute(BY_HAND)
    return settings


def test_readings_are_those_counted_by_hand(by_hand: Settings) -> None:
    result = draw(by_hand)
    readings = _readings(by_hand)
    assert {p["file"]: p["reading"] for p in readings["plots"]} == READINGS
    assert {p["name"] for p in readings["not_drawn"]} == {
        "correlations_users",
        "correlations_products",
        "drift_products",
    }
    assert not any(plot["sampled"] for plot in readings["plots"])
    assert (result.count, result.unit) == (9, "plots")


def test_orders_with_days_for_times_make_no_busy_midnight(by_hand: Settings) -> None:
    with warehouse(by_hand) as connection:
        connection.execute("delete from marts.fct_interactions where kind = 'purchase'")
        connection.execute(
            "insert into marts.fct_interactions"
            " select 'u3', 'p3', 'purchase', '2024-01-08' from range(30)"
        )
    draw(by_hand)
    (hours,) = [p for p in _readings(by_hand)["plots"] if p["file"] == "hours.png"]
    assert hours["reading"].startswith("The busiest hour is Monday 09:00 UTC")
    assert "purchase is left out: its times are days without an hour" in hours["note"]
    assert hours["rows"] == 8


def test_a_plot_without_data_is_named_and_its_old_picture_removed(by_hand: Settings) -> None:
    draw(by_hand)
    assert (by_hand.eda_plots / "ratings.png").exists()
    with warehouse(by_hand) as connection:
        connection.execute("delete from marts.fct_ratings")
    draw(by_hand)
    assert not (by_hand.eda_plots / "ratings.png").exists()
    missing = {p["name"]: p["reason"] for p in _readings(by_hand)["not_drawn"]}
    assert missing["ratings"] == "the shop has no ratings"


def test_a_shop_without_any_row_draws_nothing_and_says_why(by_hand: Settings) -> None:
    with warehouse(by_hand) as connection:
        for (table,) in connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
        ).fetchall():
            if table != "marts.dim_shop":
                connection.execute(f"delete from {table}")
        connection.execute("update marts.dim_shop set as_of = null, first_activity_at = null")
    assert draw(by_hand).count == 0
    assert len(_readings(by_hand)["not_drawn"]) == 12


def test_prices_paid_stand_in_for_a_catalogue_without_prices(by_hand: Settings) -> None:
    with warehouse(by_hand) as connection:
        connection.execute(
            "update marts.dim_products set price = null;"
            "insert into marts.fct_transactions values ('o1', 3, null, 1), ('o2', null, 10, 2)"
        )
        price = values.prices(Source(connection, by_hand))
    assert isinstance(price, Plot)
    assert price.title == "Prices paid for one unit"
    assert price.reading.startswith("The median price is 4.00 EUR")


def test_a_funnel_with_purchases_alone_is_not_drawn(by_hand: Settings) -> None:
    with warehouse(by_hand) as connection:
        connection.execute("delete from marts.fct_interactions where kind <> 'purchase'")
        absent = funnel.funnel(Source(connection, by_hand))
    assert isinstance(absent, NotDrawn)
    assert "only purchase events are recorded" in absent.reason


def test_a_large_shop_is_sampled_by_whole_keys_and_the_same_ones_every_time(
    by_hand: Settings,
) -> None:
    with warehouse(by_hand) as connection:
        connection.execute(
            "insert into marts.dim_users select 'v' || i from range(1000) as r (i);"
            "insert into marts.fct_interactions select 'v' || (i % 1000), 'p1', 'view',"
            " timestamp '2024-01-02 10:00:00' from range(5000) as r (i)"
        )
    draw(by_hand, most_rows=2000)
    readings = {p["file"]: p for p in _readings(by_hand)["plots"]}
    users = readings["activity_per_user.png"]
    assert users["sampled"]
    assert users["of"] == 5011
    assert 1500 < users["rows"] < 2500
    assert "the median active user has 5" in users["reading"], "each user's rows are all there"
    assert not readings["ratings.png"]["sampled"]
    with warehouse(by_hand, read_only=True) as connection:
        again = activity.per_user(Source(connection, by_hand, most_rows=2000))
    assert isinstance(again, Plot)
    assert (again.rows, again.reading) == (users["rows"], users["reading"])


def test_before_the_first_transform_there_is_nothing_to_draw(settings: Settings) -> None:
    with pytest.raises(NotReady, match="ingest"):
        draw(settings)
    duckdb.connect(str(_made(settings.warehouse))).close()
    with pytest.raises(NotReady, match="transform"):
        draw(settings)


def test_demo_shop_has_all_plots_and_equal_data_give_equal_pictures(
    demo_lake: Settings, tmp_path: Path
) -> None:
    mine = load_settings(shop="demo", lake=tmp_path / "lake")
    _made(mine.warehouse).symlink_to(demo_lake.warehouse)
    mine.features.symlink_to(demo_lake.features)
    draw(mine)
    first, readings = _pictures(mine), _readings(mine)
    assert [p["reason"] for p in readings["not_drawn"]] == []
    assert set(first) == {p["file"] for p in readings["plots"]}
    assert len(first) == 12
    for content in first.values():
        image = Image.open(io.BytesIO(content))
        margin = image.convert("L").crop((image.width - 3, 0, image.width, image.height))
        assert margin.getextrema() == (255, 255), "nothing is cut off at the right"
    draw(mine)
    assert _pictures(mine) == first


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _pictures(settings: Settings) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in settings.eda_plots.glob("*.png")}


def _readings(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((settings.eda_plots / "readings.json").read_text())
    return found


def test_plots_are_left_alone_while_their_data_are_the_same(by_hand: Settings) -> None:
    with warehouse(by_hand) as connection:
        connection.execute(
            "create schema quality; create table quality.dq_reconciliation as"
            " select 'ratings' as entity, 4 as accepted, '00000001' as batch_id"
        )
    draw(by_hand)
    picture = by_hand.eda_plots / "ratings.png"
    before = picture.stat().st_mtime_ns
    assert draw(by_hand, redraw=False).detail == "unchanged"
    assert picture.stat().st_mtime_ns == before
    with warehouse(by_hand) as connection:
        connection.execute("insert into marts.fct_ratings values ('u4', 2)")
        connection.execute(
            "insert into quality.dq_reconciliation values ('ratings', 1, '00000002')"
        )
    draw(by_hand, redraw=False)
    assert picture.stat().st_mtime_ns > before
    whole = picture.read_bytes()
    for damage in (picture.unlink, lambda: picture.write_bytes(whole[:-9])):
        damage()
        draw(by_hand, redraw=False)
        assert picture.read_bytes() == whole
