"""Features of many users x products at one instant, stored by grain and joined by position.

Asking Feast for every pair of a user and a product would repeat each user's features as often as
there are products. Here each view is asked once for its own entities; a pair's row is put
together by looking up positions, and the derived features are computed at the grain they belong
to. A test compares those rows with what Feast answers for the pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from feature_store.derivation import derivable, derive
from feature_store.derived_feature import REQUEST_COLUMN, Prior
from training.interactions import FloatArray, IntArray

VIEWS: dict[str, tuple[str, ...]] = {
    "ftr_users": ("user_id",),
    "ftr_products": ("product_id",),
    "ftr_user_categories": ("user_id", "category"),
}
"""The stored views of `recommendation_v1` and their join keys."""

_NO_FEATURES = (
    "user_id",
    "product_id",
    "category",
    "product_category",
    "event_timestamp",
    "created_at",
)
_PAIR_PREFIX = "user_category_"


def stored_features(snapshot: Path) -> dict[str, tuple[str, ...]]:
    """The features of each view, in the order of the published files."""
    return {
        view: tuple(
            name
            for name in pq.read_schema(snapshot / f"{view}.parquet").names
            if name not in _NO_FEATURES
        )
        for view in VIEWS
    }


def model_features(snapshot: Path) -> tuple[str, ...]:
    """The features that a model may see: numbers, stored and derived, in a fixed order.

    Instants are left out: what counts of them is the derived time since then. So are texts.
    """
    names: list[str] = []
    columns: set[str] = set()
    for view, features in stored_features(snapshot).items():
        columns.update(features)
        schema = pq.read_schema(snapshot / f"{view}.parquet")
        names += [name for name in features if _is_number(schema.field(name).type)]
    return (*names, *derivable(columns))


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    return (
        types.is_integer(kind)
        or types.is_floating(kind)
        or types.is_decimal(kind)
        or types.is_boolean(kind)
    )


def shop_prior(snapshot: Path) -> Prior:
    """The shop's prior for mean ratings."""
    shop = pq.read_table(snapshot / "dim_shop.parquet").to_pylist()[0]
    rating = shop["prior_rating"]
    return Prior(float("nan") if rating is None else float(rating), float(shop["prior_weight"]))


@dataclass(frozen=True)
class FeatureTables:
    """Features by grain. Each table's last row (and last category) is that of the unknown: NaN.

    Args:
        names: the features, in the order of the columns that `rows` gives.
        users: (users asked for + 1, user features).
        user_row: (users in the index + 1,) the row in `users` of a position.
        products: (products + 1, product features).
        pairs: (users asked for + 1, categories + 1, features of user and category).
        category: (products + 1,) each product's category, as a position in `pairs`.
        column: for each name the grain ('user', 'product', 'pair') and the column there.
    """

    names: tuple[str, ...]
    users: FloatArray
    user_row: IntArray
    products: FloatArray
    pairs: FloatArray
    category: IntArray
    column: tuple[tuple[str, int], ...]

    def rows(self, users: IntArray, products: IntArray) -> FloatArray:
        """(n, features) of n pairs of positions; -1 is unknown."""
        row = self.user_row[users]
        out = np.empty((len(users), len(self.names)))
        grains = {
            "user": self.users[row],
            "product": self.products[products],
            "pair": self.pairs[row, self.category[products]],
        }
        for target, (grain, source) in enumerate(self.column):
            out[:, target] = grains[grain][:, source]
        return out


def build_tables(
    *,
    names: Sequence[str],
    prior: Prior,
    as_of: np.datetime64,
    users: pd.DataFrame,
    products: pd.DataFrame,
    pairs: pd.DataFrame,
    user_positions: IntArray,
    all_users: int,
    categories: npt.NDArray[np.str_],
) -> FeatureTables:
    """Tables from the views' rows.

    Args:
        names: the features wanted (`model_features`).
        as_of: the instant that the derived features are about.
        users: a row per asked user with the features of ftr_users, in the order of
            `user_positions`, their positions in the users' index of `all_users`.
        products: a row per product with the features of ftr_products, in the index's order.
        pairs: rows with `user_id` as a position in `user_positions`' order, `category` as text,
            and the features of ftr_user_categories; pairs that never met are left out.
        categories: (products,) each product's category.
    """
    known, category = np.unique(categories, return_inverse=True)
    user_row = np.full(all_users + 1, len(user_positions), dtype=np.int64)
    user_row[user_positions] = np.arange(len(user_positions))
    grids = _pair_grids(pairs, len(users), known)
    every = [*users.columns, *products.columns, *grids]
    derived_users = _derived(users, every, as_of, prior)
    derived_products = _derived(products, every, as_of, prior)
    flat = pd.DataFrame({name: grid.ravel() for name, grid in grids.items()})
    of_user = users.loc[users.index.repeat(len(known))].reset_index(drop=True)
    derived_pairs = _derived(pd.concat([of_user, flat], axis=1), every, as_of, prior)

    columns: dict[str, list[npt.NDArray[np.float64]]] = {"user": [], "product": [], "pair": []}
    places = []
    for name in names:
        if name in grids or name.startswith(_PAIR_PREFIX):
            source = flat if name in grids else derived_pairs
            grain, values = "pair", source[name]
        elif name.startswith("user_"):
            grain, values = "user", (users if name in users else derived_users)[name]
        else:
            grain, values = "product", (products if name in products else derived_products)[name]
        places.append((grain, len(columns[grain])))
        columns[grain].append(values.to_numpy(dtype=np.float64))

    pair_values = np.full(
        (len(users) + 1, len(known) + 1, len(columns["pair"])), np.nan, dtype=np.float64
    )
    for at, column in enumerate(columns["pair"]):
        pair_values[:-1, :-1, at] = column.reshape(len(users), len(known))
    return FeatureTables(
        names=tuple(names),
        users=_with_unknown(columns["user"], len(users)),
        user_row=user_row,
        products=_with_unknown(columns["product"], len(products)),
        pairs=pair_values,
        category=np.r_[category, len(known)].astype(np.int64),
        column=tuple(places),
    )


def _pair_grids(
    pairs: pd.DataFrame, users: int, known: npt.NDArray[np.str_]
) -> dict[str, FloatArray]:
    """(users, categories) of each feature of user and category; NaN where they never met."""
    category = np.minimum(
        np.searchsorted(known, pairs["category"].to_numpy(dtype=np.str_)), len(known) - 1
    )
    here = known[category] == pairs["category"].to_numpy(dtype=np.str_)
    grids = {}
    for name in pairs.columns.drop(["user_id", "category"]):
        grid = np.full((users, len(known)), np.nan)
        grid[pairs["user_id"].to_numpy()[here], category[here]] = pairs[name].astype("float64")[
            here
        ]
        grids[name] = grid
    return grids


def _derived(
    stored: pd.DataFrame, every: list[str], as_of: np.datetime64, prior: Prior
) -> pd.DataFrame:
    """Derived features of rows of one grain; those of the other grains come out as NaN."""
    frame = stored.reindex(columns=every)
    frame[REQUEST_COLUMN] = as_of
    return derive(frame, prior)


def _with_unknown(columns: list[npt.NDArray[np.float64]], rows: int) -> FloatArray:
    table = np.full((rows + 1, len(columns)), np.nan)
    for at, values in enumerate(columns):
        table[:-1, at] = values
    return table
