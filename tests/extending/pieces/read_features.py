"""Print the features of a user as Parquet, Feast's history, Feast's online store and the online
lookup have them: `python features_of_user.py NAME...`. Run with the code of a changed checkout."""

from __future__ import annotations

import json
import sys
from datetime import datetime

import pandas as pd
import pyarrow.parquet as pq

from feature_store.derivation import SERVICE, derived_features
from feature_store.online.lookup import OnlineFeatures
from feature_store.snapshots import current_snapshot
from feature_store.stores import open_store
from recomart.settings import load_settings
from training.feature_tables import model_features

settings = load_settings()
snapshot = current_snapshot(settings)
rows = pq.read_table(snapshot.file("ftr_users")).to_pandas()
rows = rows[rows["event_timestamp"] <= snapshot.as_of.replace(tzinfo=None)]
newest = rows.sort_values("event_timestamp").groupby("user_id").tail(1)
user = newest[newest["user_purchases_90d"] > 0].iloc[0]
store = open_store(settings)
keys = {"user_id": user["user_id"], "product_id": "p1", "category": "x", "as_of": snapshot.as_of}
asked = pd.DataFrame([{**keys, "event_timestamp": snapshot.as_of}])
service = store.get_feature_service(SERVICE)
history = store.get_historical_features(entity_df=asked, features=service).to_df().iloc[0]
online = store.get_online_features(features=service, entity_rows=[keys]).to_dict()
lookup = {
    value.feature: value.value for value in OnlineFeatures(settings, 30.0).user(keys["user_id"])
}


def plain(value: object) -> object:
    return str(value) if isinstance(value, datetime) else float(value)  # type: ignore[arg-type]


found = {
    name: {
        "parquet": plain(user[name]) if name in user else None,
        "history": plain(history[name]),
        "online": plain(online[name][0]),
        "lookup": plain(lookup[name]),
        "learned from": name in model_features(snapshot.folder),
        "description": derived_features()[name].description if name in derived_features() else None,
    }
    for name in sys.argv[1:]
}
found["inputs"] = {
    name: plain(user[name])
    for name in ("user_spend_90d", "user_orders_90d", "user_views_90d", "user_purchases_90d")
}
sys.stdout.write(json.dumps(found) + "\n")
