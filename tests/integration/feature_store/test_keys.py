"""One key is one entity: training frames and online lookups agree, whatever type the key has."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_store.online.lookup import OnlineFeatures
from feature_store.online.lookup_async import AsyncOnlineFeatures
from recomart import processes
from recomart.errors import InvalidKey, InvalidLabels
from recomart.settings import Settings, load_settings

USERS = [
    *("7", "007", "42", "42.0", "4.2e1", " 42", "0", "-0", "-1", "1", "True", "NaN", "None", "127"),
    *("255", "2048", "2049", "16777216", "16777217", "9007199254740991", "9007199254740992"),
    *("9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615"),
    *(
        "18446744073709551616",
        "1000000000000000000000",
        "\u00e9",
        "e\u0301",
        "Ä",
        "ä",
        "用户",
        "a b",
    ),
]
"""Users whose ids are easily taken for each other; the number of views is the place in this list."""
WHOLE = [int(user) for user in USERS if user.lstrip("-").isdecimal() and str(int(user)) == user]
FEATURE = "ftr_users:user_views_7d"


@dataclass
class Published:
    settings: Settings
    lookup: OnlineFeatures
    store: Any

    def offline(self, frame: Any) -> list[float | None]:
        found = self.store.get_historical_features(entity_df=frame, features=[FEATURE])
        values: list[float | None] = found.to_arrow()["user_views_7d"].to_pylist()
        return values

    def online(self, keys: list[Any]) -> list[Any]:
        return self.lookup.read("ftr_users", keys).columns["user_views_7d"]


@pytest.fixture(scope="module")
def users(tmp_path_factory: pytest.TempPathFactory, filled_warehouse: Any) -> Iterator[Published]:
    from feature_store.publish.publisher import publish
    from feature_store.stores import open_store

    settings = load_settings(shop="demo", lake=tmp_path_factory.mktemp("keys") / "lake")
    warehouse = filled_warehouse.copy_to(settings)
    for place, user in enumerate(USERS):
        warehouse.execute(
            "insert into features.ftr_users (user_id, event_timestamp, created_at, user_views_7d)"
            " values (?, timestamp '2024-04-02', timestamp '2024-04-02', ?)",
            [user, place],
        )
    publish(settings)
    yield Published(settings, OnlineFeatures(settings, deadline=10), open_store(settings))
    processes.stop_all(settings)


def labels(keys: Any, at: str = "2024-04-20") -> pd.DataFrame:
    return pd.DataFrame({"user_id": keys, "event_timestamp": pd.Timestamp(at, tz="UTC")})


KINDS = {
    **dict.fromkeys(
        ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"), int
    ),
    **dict.fromkeys(("Int8", "Int64", "UInt64"), int),
    **dict.fromkeys(("float32", "float64", "Float64"), float),
    "string": str,
    "category": str,
    "object": Decimal,
}
"""A pandas type, and how a user's id is one of its values."""


@pytest.mark.parametrize("kind", KINDS)
def test_offline_equals_online_on_the_same_published_features(users: Published, kind: str) -> None:
    if KINDS[kind] is str:
        keys: list[Any] = USERS
    else:
        bits = {"8": 7, "6": 15, "2": 24, "4": 53}.get(kind[-1], 100)
        keys = [KINDS[kind](number) for number in WHOLE if abs(number) < 2**bits and number >= 0]
    column = pd.Series(keys, dtype=kind)
    expected = [
        USERS.index(str(key).removesuffix(".0") if KINDS[kind] is float else str(key))
        for key in keys
    ]

    assert len(keys) >= 5
    assert users.offline(labels(column)) == expected
    assert users.online(list(column)) == expected
    assert users.online([{"user_id": key} for key in column]) == expected


@pytest.mark.parametrize(
    ("key", "user"),
    [
        (7, "7"), (42.0, "42"), (np.float32(16777215), None), (-0.0, "0"), (True, InvalidKey),
        (9007199254740993, "9007199254740993"), (9007199254740992.0, InvalidKey),
        (9007199254740991.0, "9007199254740991"), (np.float32(16777216), InvalidKey),
        (np.uint64(2**64 - 1), "18446744073709551615"), (Decimal("42.00"), "42"),
        (Decimal("42.5"), InvalidKey), (4.5, InvalidKey), (math.nan, InvalidKey), (-math.inf, InvalidKey),
        (b"42", InvalidKey), ("007", "007"), ("\u00e9", "\u00e9"), ("e\u0301", "e\u0301"),
    ],
)  # fmt: skip
def test_a_key_is_the_entity_that_its_exact_digits_spell(
    users: Published, key: Any, user: Any
) -> None:
    expected = USERS.index(user) if isinstance(user, str) else None
    if user is InvalidKey:
        for ask in (lambda: users.online([key]), lambda: users.offline(labels([key]))):
            with pytest.raises(InvalidKey, match=r"user_id in (row|key) 0"):
                ask()
    else:
        assert users.online([key]) == users.offline(labels([key])) == [expected]


def test_the_error_names_column_row_and_value_also_in_a_frame_read_in_parts(
    users: Published, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feature_store.offline.store.PART_ROWS", 3)
    frame = labels([1.0, 2.0, 3.0, 4.0, 5.5])
    frame.to_parquet(tmp_path / "labels.parquet")
    job = users.store.get_historical_features(
        entity_df=str(tmp_path / "labels.parquet"), features=[FEATURE]
    )
    with pytest.raises(InvalidKey) as caught:
        job.to_parquet(tmp_path / "result.parquet")
    assert caught.value.render().splitlines() == [
        "error[invalid-key]: user_id in row 4 (from 0) cannot be used as a key: not a whole number",
        "  found: 5.5" if np.__version__ < "2" else "  found: np.float64(5.5)",
        "  help: a key is text, an integer of any type, or a whole float below 2**53",
    ]
    with pytest.raises(InvalidKey, match=r"user_id in row 1 .* not a finite number"):
        users.offline(labels([1.0, math.nan]))


def test_the_result_keeps_the_keys_of_the_frame_as_they_came(users: Published) -> None:
    for keys in ([7, 42], [7.0, 42.0], ["7", "42"], pd.array([7, None], "Int64")):
        frame = labels(keys)
        job = users.store.get_historical_features(entity_df=frame, features=[FEATURE])
        found = job.to_df()
        assert found["user_id"].tolist()[0] == frame["user_id"].tolist()[0]
        assert found["user_views_7d"].tolist()[0] == USERS.index("7")


def test_a_label_without_a_time_has_no_features(users: Published) -> None:
    frame = labels(["7", "42"])
    frame.loc[0, "event_timestamp"] = pd.NaT
    table = pa.table({"user_id": ["7"], "event_timestamp": pa.nulls(1)})

    assert users.offline(frame) == [None, USERS.index("42")]
    assert users.offline(table) == [None]
    for names in ({"filter_by_created_timestamp": True}, {}):
        job = users.store.get_historical_features(
            entity_df=frame.assign(
                as_of=frame["event_timestamp"], product_id="p1", category="toys"
            ),
            features=users.store.get_feature_service("recommendation_v1"),
            **names,
        )
        found = job.to_df().iloc[0].drop(["user_id", "product_id", "category"])
        assert found.isna().all(), found.dropna()


def test_a_frame_that_lacks_a_column_or_has_one_too_many_is_refused_by_its_name(
    users: Published, tmp_path: Any
) -> None:
    whole = labels(["7"])
    faults = {
        "no column user_id": whole.rename(columns={"user_id": "user_ids"}),
        "no column event_timestamp": whole.drop(columns="event_timestamp"),
        "column user_views_7d has the name of a feature": whole.assign(user_views_7d=1),
        "2 columns named user_id": pd.concat([whole, whole[["user_id"]]], axis=1),
        "event_timestamp is not a column of times": whole.assign(event_timestamp=1_713_571_200),
    }
    for message, frame in faults.items():
        with pytest.raises(InvalidLabels, match=message):
            users.offline(frame)
        if frame.columns.is_unique:
            pq.write_table(pa.Table.from_pandas(frame), tmp_path / "labels.parquet")
            for given_as in (pa.Table.from_pandas(frame), str(tmp_path / "labels.parquet")):
                with pytest.raises(InvalidLabels, match=message):
                    users.offline(given_as)
    with pytest.raises(InvalidLabels, match='did you mean "user_ids"'):
        users.offline(faults["no column user_id"])

    kept = users.store.get_historical_features(
        entity_df=whole.assign(user_views_7d=1), features=[FEATURE], full_feature_names=True
    ).to_df()
    assert kept[["user_views_7d", "ftr_users__user_views_7d"]].values.tolist() == [[1, 0]]


@pytest.mark.parametrize("key", [None, "", pd.NA, math.nan, b"7"])
def test_a_lookup_names_the_key_that_is_none(users: Published, key: Any) -> None:
    async def asynchronously() -> None:
        lookup = AsyncOnlineFeatures(users.settings, deadline=10)
        try:
            for view in ("ftr_users", "rt_users"):
                with pytest.raises(InvalidKey, match="user_id in key 1"):
                    await lookup.read(view, ["7", key])
            with pytest.raises(InvalidKey, match="user_id in key 0"):
                await lookup.bought(key)
        finally:
            await lookup.close()

    asyncio.run(asynchronously())
    lookup = users.lookup
    for view in ("ftr_users", "rt_users"):
        with pytest.raises(InvalidKey, match="user_id in key 1") as caught:
            lookup.read(view, ["7", key])
        assert caught.value.where == view
    with pytest.raises(InvalidKey, match="category in key 0"):
        lookup.read("ftr_user_categories", [{"user_id": 7, "category": key}])
    for ask in (lookup.user, lookup.bought):
        with pytest.raises(InvalidKey, match="user_id in key 0"):
            ask(key)
