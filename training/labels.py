"""What training reads of the published snapshot: the shop, its catalogue, and what users liked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_store.snapshots import read_snapshot
from recomart.errors import NotReady
from training.behaviour import Events
from training.interactions import BoolArray, Index, IntArray, Interactions, TimeArray

UNKNOWN_CATEGORY = "unknown"
DISLIKED = 0.25
LABEL_TABLES = (
    "dim_products",
    "dim_shop",
    "fct_user_products",
    "lbl_events",
    "lbl_interactions",
)
"""The published tables that load_shop_data reads, for every kind of model."""


@dataclass(frozen=True)
class ShopRules:
    """The constants of the shop that training needs (marts.dim_shop)."""

    name: str
    as_of: np.datetime64
    scale: tuple[float, float]
    relevant: float
    repeat_purchases: bool
    currency: str | None


@dataclass(frozen=True)
class ShopData:
    """One snapshot as arrays. Users and products are positions in their indexes.

    Args:
        rules: of the shop.
        snapshot: the content hash that names the published snapshot.
        users: all who rated, bought, or have a label.
        products: the catalogue, and whatever else was interacted with.
        titles, categories: (products,), the id and 'unknown' where the catalogue has none.
        listed: (products,) whether the catalogue has it: only those are recommended.
        labels: what users liked, up to as_of; label_kind is 'rating' or 'affinity'.
        owned: pairs that the user bought or rated, `times` being the first time.
        events: what users did, up to as_of, in the order of time.
    """

    rules: ShopRules
    snapshot: str
    users: Index
    products: Index
    titles: npt.NDArray[np.str_]
    categories: npt.NDArray[np.str_]
    listed: BoolArray
    labels: Interactions
    label_kind: str
    owned: Interactions
    events: Events

    @property
    def category_numbers(self) -> IntArray:
        """(products,) the category of each, as a number."""
        return np.unique(self.categories, return_inverse=True)[1].astype(np.int64)


def load_rules(snapshot: Path) -> ShopRules:
    """The shop's constants."""
    shop = pq.read_table(snapshot / "dim_shop.parquet").to_pylist()[0]
    return ShopRules(
        name=shop["name"],
        as_of=np.datetime64(shop["as_of"].replace(tzinfo=None), "us"),
        scale=(float(shop["rating_min"]), float(shop["rating_max"])),
        relevant=float(shop["relevant_rating"]),
        repeat_purchases=bool(shop["repeat_purchases"]),
        currency=shop["currency"],
    )


def load_catalogue(snapshot: Path) -> dict[str, tuple[str, str]]:
    """Title and category of each product of the catalogue."""
    columns = ["product_id", "title", "category"]
    table = pq.read_table(snapshot / "dim_products.parquet", columns=columns)
    return {
        product: (title or product, category or UNKNOWN_CATEGORY)
        for product, title, category in zip(*table.to_pydict().values(), strict=True)
    }


def load_shop_data(snapshot: Path) -> ShopData:
    """Read a snapshot.

    Raises:
        NotReady: it holds no label at or before as_of, so there is nothing to learn from.
    """
    rules = load_rules(snapshot)
    labels = pq.read_table(snapshot / "lbl_interactions.parquet")
    labels = labels.filter(pc.less_equal(labels["event_timestamp"], pa.scalar(rules.as_of)))
    if not labels.num_rows:
        raise NotReady(
            f"shop '{rules.name}' has no interactions up to {rules.as_of}",
            where=str(snapshot / "lbl_interactions.parquet"),
            help="look at quality.quarantine_* for why rows were refused, then ingest more data",
        )
    owned = pq.read_table(snapshot / "fct_user_products.parquet")
    owned = owned.filter(pc.less_equal(owned["first_at"], pa.scalar(rules.as_of)))
    events = events_of(snapshot, rules)
    catalogue = load_catalogue(snapshot)
    tables = (labels, owned, events)
    users = Index([one for table in tables for one in _distinct(table["user_id"])])
    products = Index(
        [*catalogue, *(one for table in tables for one in _distinct(table["product_id"]))]
    )
    facts = [catalogue.get(str(p), (str(p), UNKNOWN_CATEGORY)) for p in products.ids]
    return ShopData(
        rules=rules,
        snapshot=read_snapshot(snapshot).hash,
        users=users,
        products=products,
        titles=np.asarray([title for title, _ in facts], dtype=np.str_),
        categories=np.asarray([category for _, category in facts], dtype=np.str_),
        listed=np.asarray([str(p) in catalogue for p in products.ids], dtype=bool),
        labels=_interactions(labels, users, products, "event_timestamp", "label"),
        label_kind=str(labels["label_kind"][0].as_py()),
        owned=_interactions(owned, users, products, "first_at", "times"),
        events=_events(events, users, products),
    )


def events_of(snapshot: Path, rules: ShopRules, user_id: str | None = None) -> pa.Table:
    """What users did up to as_of: user_id, product_id, weight, occurred_at.

    Args:
        user_id: one user alone.

    Of a snapshot that was published before it had events, the labels are the events.
    """
    path = snapshot / "lbl_events.parquet"
    filters = None if user_id is None else [("user_id", "=", user_id)]
    if path.is_file():
        columns = ["user_id", "product_id", "weight", "occurred_at"]
        events = pq.read_table(path, columns=columns, filters=filters)
    else:
        labels = pq.read_table(snapshot / "lbl_interactions.parquet", filters=filters)
        liked = pc.greater_equal(labels["label"], rules.relevant)
        events = pa.table(
            {
                "user_id": labels["user_id"],
                "product_id": labels["product_id"],
                "weight": pc.if_else(liked, 1.0, DISLIKED),
                "occurred_at": labels["event_timestamp"],
            }
        )
    return events.filter(pc.less_equal(events["occurred_at"], pa.scalar(rules.as_of)))


def _events(table: pa.Table, users: Index, products: Index) -> Events:
    """The table's rows as arrays, in the order of time, user and product."""
    at_user = users.positions_in(table["user_id"])
    at_product = products.positions_in(table["product_id"])
    times: TimeArray = table["occurred_at"].to_numpy().astype("datetime64[us]")
    weights = table["weight"].to_numpy().astype(np.float64)
    rows = Events(at_user, at_product, weights, times)
    return rows.where(np.lexsort((weights, at_product, at_user, times)))


def owned_by(snapshot: Path, user_id: str) -> list[str]:
    """The products that a user bought or rated."""
    table = pq.read_table(
        snapshot / "fct_user_products.parquet",
        columns=["product_id"],
        filters=[("user_id", "=", user_id)],
    )
    return table["product_id"].to_pylist()


def user_events(
    snapshot: Path, rules: ShopRules, user_id: str
) -> list[tuple[str, float, np.datetime64]]:
    """Product, weight and time of all that a user did up to as_of."""
    table = events_of(snapshot, rules, user_id)
    times: TimeArray = table["occurred_at"].to_numpy().astype("datetime64[us]")
    products, weights = table["product_id"].to_pylist(), table["weight"].to_pylist()
    return list(zip(products, weights, times, strict=True))


def likes_of(snapshot: Path, user_id: str, relevant: float) -> dict[str, float]:
    """The products that a user liked (label of at least `relevant`), each with its latest label."""
    table = pq.read_table(
        snapshot / "lbl_interactions.parquet",
        columns=["product_id", "label", "event_timestamp"],
        filters=[("user_id", "=", user_id)],
    ).sort_by("event_timestamp")
    labels = dict(zip(table["product_id"].to_pylist(), table["label"].to_pylist(), strict=True))
    return {product: float(label) for product, label in labels.items() if label >= relevant}


def _distinct(ids: pa.ChunkedArray) -> list[str]:
    return ids.unique().to_pylist()


def _interactions(
    table: pa.Table, users: Index, products: Index, time: str, label: str
) -> Interactions:
    """The table's rows as arrays, in the order of time, user and product."""
    at_user = users.positions_in(table["user_id"])
    at_product = products.positions_in(table["product_id"])
    times: TimeArray = table[time].to_numpy().astype("datetime64[us]")
    rows = Interactions(at_user, at_product, table[label].to_numpy().astype(np.float64), times)
    return rows.where(np.lexsort((rows.labels, at_product, at_user, times)))
