"""The difference of two histories against an oracle in plain Python, on random histories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_store.publish.difference import Stretch, ViewHistory, difference
from recomart.errors import SnapshotDamaged

DAY = datetime(2024, 4, 1)
KEYS = ("user_id", "category")
SCHEMA = pa.schema(
    {
        "user_id": pa.string(),
        "category": pa.string(),
        "event_timestamp": pa.timestamp("us"),
        "created_at": pa.timestamp("us"),
        "count": pa.int64(),
        "share": pa.float64(),
    }
)

Row = tuple[str, str, int, int, int | None, float | None]
"""user_id, category, event day, days until it was known, count, share."""

rows = st.lists(
    st.tuples(
        st.sampled_from(["", "a", "aé", "b", "z"]),
        st.sampled_from(["x", "xy"]),
        st.integers(0, 4),
        st.integers(0, 2),
        st.sampled_from([None, 0, 1]),
        st.sampled_from([None, 0.5, float("nan")]),
    ),
    max_size=25,
    unique_by=lambda row: row[:4],
)


def write(path: Path, history: list[Row], group: int = 3) -> None:
    content = [
        (user, category, DAY + timedelta(event), DAY + timedelta(event + late), count, share)
        for user, category, event, late, count, share in history
    ]
    content.sort(key=lambda row: (row[0].encode(), row[1].encode(), *row[2:4]))
    columns = list(zip(*content, strict=True)) or [()] * len(SCHEMA)
    table = pa.table([pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], SCHEMA)
    pq.write_table(table, path, row_group_size=group)


def at(path: Path, day: int) -> ViewHistory:
    return ViewHistory(path, (DAY + timedelta(day)).replace(tzinfo=UTC), KEYS, ("count", "share"))


def oracle(history: list[Row], day: int) -> dict[tuple[str, str], tuple]:
    """Each entity's newest row: the latest event until that day, the last known of its versions."""
    found: dict[tuple[str, str], tuple] = {}
    for user, category, event, late, count, share in sorted(history, key=lambda row: row[2:4]):
        if event <= day:
            value = None if share is None or share != share else share
            found[user, category] = (event, count, value, late)
    return {
        key: row[:3] for key, row in found.items() if not (row[3] and _is_null(history, key, row))
    }


def _is_null(history: list[Row], key: tuple[str, str], row: tuple) -> bool:
    """Whether the version has no value at all (a NaN is one)."""
    (version,) = (r for r in history if (r[:2], r[2], r[3]) == (key, row[0], row[3]))
    return version[4] is None and version[5] is None


def told(stretches: list[Stretch], part: str) -> dict[tuple[str, str], tuple]:
    found = {}
    for stretch in stretches:
        for row in getattr(stretch, part).to_pylist():
            key = row["user_id"], row["category"]
            assert key not in found, "an entity in two stretches"
            share = row.get("share")
            found[key] = (
                (row["event_timestamp"] - DAY).days,
                row["count"],
                None if share is None or share != share else share,
            )
    return found


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(old=rows, new=rows, days=st.tuples(st.integers(0, 5), st.integers(0, 5)))
def test_the_difference_is_that_of_the_newest_rows(tmp_path: Path, old, new, days) -> None:
    write(tmp_path / "old.parquet", old)
    write(tmp_path / "new.parquet", new, group=4)
    before, now = oracle(old, days[0]), oracle(new, days[1])

    stretches = list(
        difference(at(tmp_path / "new.parquet", days[1]), at(tmp_path / "old.parquet", days[0]))
    )

    assert told(stretches, "newest") == now
    assert told(stretches, "changed") == {k: r for k, r in now.items() if before.get(k) != r}
    gone = [tuple(row.values()) for s in stretches for row in s.gone.to_pylist()]
    assert sorted(gone) == sorted(before.keys() - now.keys())
    assert sum(stretch.read for stretch in stretches) == len(new)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(new=rows, day=st.integers(0, 5))
def test_without_a_before_every_entity_is_new(tmp_path: Path, new, day: int) -> None:
    write(tmp_path / "new.parquet", new)

    stretches = list(difference(at(tmp_path / "new.parquet", day), None))

    assert told(stretches, "changed") == oracle(new, day)
    assert not any(stretch.gone.num_rows for stretch in stretches)


def test_a_file_that_is_not_in_the_order_of_its_keys_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "new.parquet", [("a", "x", 0, 0, 1, 1.0), ("b", "x", 0, 0, 1, 1.0)])
    table = pq.read_table(tmp_path / "new.parquet")
    pq.write_table(table.take([1, 0]), tmp_path / "new.parquet")

    with pytest.raises(SnapshotDamaged, match="not in the order of user_id"):
        list(difference(at(tmp_path / "new.parquet", 5), None))
