"""A join of what does not fit, each step in a process of its own: `python -m ... write FOLDER`, `join`.

The join tells by how much its process has grown; what wrote the data is not in it.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import duckdb

from benchmarks.join_data import FEATURES, OURS, open_store, write_labels
from benchmarks.turns import peak_mb
from recomart.settings import load_settings

ENTITIES, HOURS, LABELS = 150_000, 24, 25_000
LIMIT = "100MB"


def write_data(folder: Path) -> None:
    values = ", ".join(f"hash(e, h, {n}) % 100000 / 7.0 as f{n}" for n in range(1, FEATURES))
    with duckdb.connect() as connection:
        connection.execute("set memory_limit = '500MB'")
        connection.execute(f"set temp_directory = '{folder / 'scratch'}'")
        connection.execute(
            f"""
            copy (
                select
                    'entity-' || e as entity_id,
                    timestamp '2024-01-01' + to_hours(h::int) as event_timestamp,
                    event_timestamp as created_at,
                    h::double as f0,
                    {values}
                from range({ENTITIES}) as a(e), range({HOURS}) as b(h)
            ) to '{folder}/features.parquet' (format parquet)
            """
        )
        write_labels(connection, folder, LABELS, ENTITIES, minutes=1_440, prefix="entity-")


class Spilled:
    """The most that stood in a folder at once, in bytes, looked at ten times a second."""

    def __init__(self, folder: Path) -> None:
        self.most = 0
        self._folder = folder
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Spilled:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.1):
            sizes = []
            for file in self._folder.glob("*"):
                try:
                    sizes.append(file.stat().st_blocks * 512)
                except FileNotFoundError:  # DuckDB has removed it meanwhile
                    continue
            self.most = max(self.most, sum(sizes))


def join(folder: Path) -> None:
    (folder / "lake").mkdir()
    settings = load_settings(shop="demo", lake=folder / "lake", memory_limit=LIMIT, threads=1)
    store = open_store(folder, {"type": OURS, "settings": settings})
    job = store.get_historical_features(
        entity_df=str(folder / "labels.parquet"),
        features=[f"view:f{n}" for n in range(FEATURES)],
    )
    before = peak_mb()
    with Spilled(folder / "lake" / "tmp") as spilled:
        labels = job.to_parquet(folder / "result.parquet")
    # doubles, two times and a key of some 16 bytes a row
    data = ENTITIES * HOURS * (FEATURES * 8 + 32) + LABELS * (FEATURES * 8 + 40)
    figures = {
        "labels": labels,
        "data_mb": data / 1e6,
        "grown_mb": peak_mb() - before,
        "spilled_mb": spilled.most / 1e6,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    {"write": write_data, "join": join}[sys.argv[1]](Path(sys.argv[2]))
