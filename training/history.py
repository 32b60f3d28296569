"""Features as of a time, from Feast: for labelled rows, and by grain for a whole catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from feature_store.derivation import SERVICE
from feature_store.derived_feature import REQUEST_COLUMN
from training.feature_tables import (
    VIEWS,
    FeatureTables,
    build_tables,
    model_features,
    shop_prior,
    stored_features,
)
from training.interactions import IntArray
from training.labels import ShopData

if TYPE_CHECKING:
    from feast import FeatureStore

ROW_ID = "row_id"


@dataclass(frozen=True)
class Ask:
    """One instant, and the users whose features are wanted then (all products always are)."""

    as_of: np.datetime64
    users: IntArray


def features_of_rows(store: FeatureStore, rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` with the features of `recommendation_v1` as of each row's event_timestamp.

    Args:
        rows: user_id, product_id, category, event_timestamp (naive UTC), and row_id 0, 1, 2 ...

    Returns:
        The rows in their order. Feast need not keep it, so the row id is carried through.
    """
    asked = rows.assign(
        event_timestamp=rows["event_timestamp"].dt.tz_localize("UTC"),
        **{REQUEST_COLUMN: rows["event_timestamp"].dt.tz_localize("UTC")},
    )
    found = store.get_historical_features(
        entity_df=asked, features=store.get_feature_service(SERVICE)
    ).to_df()
    return found.sort_values(ROW_ID, ignore_index=True)


def feature_tables(
    store: FeatureStore, data: ShopData, snapshot: Path, asks: Sequence[Ask]
) -> list[FeatureTables]:
    """The features at several instants; each view is asked once, for all of them."""
    names = model_features(snapshot)
    users = _history(
        store,
        snapshot,
        "ftr_users",
        [(ask, {"user_id": data.users.ids[ask.users]}) for ask in asks],
    )
    products = _history(
        store, snapshot, "ftr_products", [(ask, {"product_id": data.products.ids}) for ask in asks]
    )
    met = pq.read_table(
        snapshot / "ftr_user_categories.parquet", columns=["user_id", "category"]
    ).group_by(["user_id", "category"])
    met = met.aggregate([])
    met_user = data.users.positions(met["user_id"].to_pylist())
    met_category = np.asarray(met["category"].to_pylist(), dtype=np.str_)
    wanted = []
    for ask in asks:
        here = np.isin(met_user, ask.users)
        wanted.append(
            (ask, {"user_id": data.users.ids[met_user[here]], "category": met_category[here]})
        )
    pairs = _history(store, snapshot, "ftr_user_categories", wanted)
    tables = []
    for ask, of_users, of_products, of_pairs in zip(asks, users, products, pairs, strict=True):
        rows = np.searchsorted(data.users.ids[ask.users], of_pairs["user_id"].to_numpy(np.str_))
        tables.append(
            build_tables(
                names=names,
                prior=shop_prior(snapshot),
                as_of=ask.as_of,
                users=of_users.drop(columns="user_id"),
                products=of_products.drop(columns="product_id"),
                pairs=of_pairs.assign(user_id=rows),
                user_positions=ask.users,
                all_users=len(data.users),
                categories=data.categories,
            )
        )
    return tables


def _history(
    store: FeatureStore,
    snapshot: Path,
    view: str,
    wanted: Sequence[tuple[Ask, dict[str, np.ndarray]]],
) -> list[pd.DataFrame]:
    """A view's features for the keys wanted at each instant: one frame each, in the keys' order."""
    rows = [
        pd.DataFrame({**keys, "event_timestamp": pd.Timestamp(ask.as_of, tz="UTC"), "ask": number})
        for number, (ask, keys) in enumerate(wanted)
    ]
    asked = pd.concat(rows, ignore_index=True)
    asked[ROW_ID] = np.arange(len(asked))
    features = stored_features(snapshot)[view]
    found = store.get_historical_features(
        entity_df=asked, features=[f"{view}:{name}" for name in features]
    ).to_df()
    found = found.sort_values(ROW_ID)
    columns = [*VIEWS[view], *features]
    return [
        found.loc[found["ask"] == number, columns].reset_index(drop=True)
        for number in range(len(wanted))
    ]
