"""Published features against a brute-force count: random entities and days of any shop's lake.

    python -m benchmarks.exactness --lake recomart_lake/movielens_100k
    python -m benchmarks.exactness --lake recomart_lake/complete_journey

For users, products, and users x categories, as many of each: what Feast gives for a label at noon of
a day, and what plain Python counts in the accepted facts of before (tests/oracles/batch_features.py).
Every feature has to be equal, to the last digit; where there is no row, nothing may be known yet.
The features must have been published from the warehouse as it stands. Exits with 1 on a difference.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pandas as pd

from benchmarks.results import write_result
from benchmarks.shop_facts import ShopFacts, read_facts
from feature_store.snapshots import current_snapshot
from recomart.settings import Settings, load_settings
from recomart.warehouse import warehouse
from tests.oracles.batch_features import product_features, user_category_features, user_features

if TYPE_CHECKING:
    from feast import FeatureStore

PAIRS, SEED = 1_000, 7
KEYS = {
    "ftr_users": ("user_id",),
    "ftr_products": ("product_id",),
    "ftr_user_categories": ("user_id", "category"),
}
ENTITIES = {
    "ftr_users": "select user_id from marts.dim_users order by all",
    "ftr_products": "select product_id from marts.dim_products order by all",
    "ftr_user_categories": """
        select distinct user_id, category from marts.fct_interactions
        where kind <> 'impression' order by all
    """,
}
REACH = 92
"""Days behind a fact within which each window has ended."""

Features = dict[str, object]


@dataclass(frozen=True)
class Pair:
    """An entity of a view, and a day."""

    view: str
    key: tuple[str, ...]
    day: date


@dataclass(frozen=True)
class Difference:
    """A feature that is not what was counted; None of both is a row that is not there."""

    pair: Pair
    feature: str
    published: object
    counted: object


@dataclass(frozen=True)
class Comparison:
    """What was compared: of `pairs`, those that had a row, and all values of those."""

    pairs: int
    known: int
    values: int
    features: tuple[str, ...]
    differences: tuple[Difference, ...]


def compare(settings: Settings, pairs: int = PAIRS, seed: int = SEED) -> Comparison:
    """Draw pairs of an entity and a day, and compare what is published with what is counted."""
    from feature_store.stores import open_store

    random = Random(seed)
    with warehouse(settings, read_only=True) as connection:
        drawn: list[tuple[str, tuple[str, ...]]] = []
        for place, (view, sql) in enumerate(ENTITIES.items()):
            entities = connection.execute(sql).fetchall()
            count = pairs * (place + 1) // len(ENTITIES) - len(drawn)
            drawn += [(view, random.choice(entities)) for _ in range(count)]
        facts = read_facts(
            connection,
            {key[0] for view, key in drawn if view != "ftr_products"},
            {key[0] for view, key in drawn if view == "ftr_products"},
        )
    asked = [Pair(view, key, _day(random, facts, view, key)) for view, key in drawn]
    counted = [count_features(facts, pair) for pair in asked]
    published = published_features(open_store(settings, current_snapshot(settings)), asked)
    known = [features for features in counted if features is not None]
    return Comparison(
        pairs=len(asked),
        known=len(known),
        values=sum(map(len, known)),
        features=tuple(dict.fromkeys(name for features in published for name in features)),
        differences=find_differences(asked, published, counted),
    )


def _day(random: Random, facts: ShopFacts, view: str, key: tuple[str, ...]) -> date:
    """Any day of the shop, or as likely one on which a fact of this entity is in some window."""
    last = facts.as_of.date()
    of = facts.of_products if view == "ftr_products" else facts.of_users
    own = of.get(key[0])
    if own and random.random() < 0.5:
        return min(random.choice(own).at.date() + timedelta(days=random.randrange(REACH)), last)
    return last - timedelta(days=random.randrange((last - facts.first.date()).days + 1))


def count_features(facts: ShopFacts, pair: Pair) -> Features | None:
    """What the oracle counts; None where the entity is not known yet."""
    entity = pair.key[0]
    if pair.view == "ftr_products":
        return product_features(facts.world_of_product(entity), entity, pair.day)
    world = facts.world_of_user(entity)
    if pair.view == "ftr_users":
        return user_features(world, entity, pair.day)
    return user_category_features(world, entity, pair.key[1], pair.day)


def published_features(store: FeatureStore, pairs: Sequence[Pair]) -> list[Features]:
    """What Feast gives a label at noon of each pair's day; a row that is not there is all None."""
    found: dict[Pair, Features] = {}
    for view, keys in KEYS.items():
        here = [pair for pair in pairs if pair.view == view]
        noons = [datetime(*pair.day.timetuple()[:3], 12, tzinfo=UTC) for pair in here]
        asked = {name: [pair.key[n] for pair in here] for n, name in enumerate(keys)}
        labels = pd.DataFrame({**asked, "event_timestamp": noons, "place": range(len(here))})
        names = [field.name for field in store.get_feature_view(view).features]
        rows = store.get_historical_features(
            entity_df=labels, features=[f"{view}:{name}" for name in names]
        ).to_arrow()
        for row in rows.to_pylist():
            found[here[row["place"]]] = {name: row[name] for name in names}
    return [found[pair] for pair in pairs]


def find_differences(
    pairs: Sequence[Pair], published: Sequence[Features], counted: Sequence[Features | None]
) -> tuple[Difference, ...]:
    """Each feature that is published with another value than was counted."""
    return tuple(
        Difference(pair, name, value, expected)
        for pair, row, features in zip(pairs, published, counted, strict=True)
        for name, value in row.items()
        if _plain(value) != (expected := _plain(features[name] if features else None))
    )


def _plain(value: object) -> object:
    """Decimals as the doubles that are published; times without the zone, which is UTC."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def main(arguments: list[str] | None = None) -> None:
    """Compare, write the figures, and exit with 1 where there is a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lake", type=Path, required=True, help="one with published features")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # Feast's
    shop = current_snapshot(load_settings(lake=given.lake)).shop
    began = time.perf_counter()
    found = compare(load_settings(shop=shop, lake=given.lake), given.pairs, given.seed)
    seconds = round(time.perf_counter() - began, 1)
    print(f"{shop}: {found.pairs:,} pairs of an entity and a day, {found.known:,} with a row")
    print(f"{found.values:,} values compared, {len(found.differences)} differences, {seconds} s")
    for difference in found.differences[:10]:
        print(f"  {difference}")
    figures = {"shop": shop, "seed": given.seed, "seconds": seconds, **asdict(found)}
    figures["differences"] = [str(difference) for difference in found.differences]
    write_result(f"exactness_{shop}", figures)
    if found.differences:
        sys.exit(1)


if __name__ == "__main__":
    main()
