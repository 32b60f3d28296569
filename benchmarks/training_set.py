"""From published features to a training set of all labels: Complete Journey's, in one Parquet file.

    python -m benchmarks.training_set
    python -m benchmarks.training_set --lake recomart_lake/complete_journey

Every label with the features of `recommendation_v1` as of its own time, stored and on demand, asked
of Feast (`FeatureStore.get_historical_features`) in batches of labels, so that memory holds one batch
and not the whole set. The time is that of a process of its own, from its start: imports, labels and
the file's writing are in it. Without --lake one is made first, which is not measured.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.complete_journey import SHOP, measured
from benchmarks.results import write_result
from feature_store.derived_feature import REQUEST_COLUMN
from feature_store.snapshots import current_snapshot
from recomart import processes
from recomart.settings import Settings, load_settings
from recomart.sql import identifier, literal
from recomart.warehouse import apply_limits
from training.history import SERVICE
from training.labels import UNKNOWN_CATEGORY

BATCH = 750_000
"""Labels asked for at once: each batch reads and sorts the features' history again."""
MAX_SECONDS, MAX_MB = 30.0, 2_000.0


def labels_of(settings: Settings, snapshot: Path) -> pa.Table:
    """The snapshot's labels with what Feast joins by: user, product, category, and their time."""
    with duckdb.connect() as connection:
        apply_limits(connection, settings)
        return connection.execute(
            f"""
            select
                l.user_id,
                l.product_id,
                coalesce(p.category, {literal(UNKNOWN_CATEGORY)}) as category,
                l.label,
                l.event_timestamp,
                l.event_timestamp as {identifier(REQUEST_COLUMN)}
            from read_parquet({literal(str(snapshot / "lbl_interactions.parquet"))}) as l
            left join read_parquet({literal(str(snapshot / "dim_products.parquet"))}) as p
                using (product_id)
            order by l.event_timestamp, l.user_id, l.product_id
            """
        ).to_arrow_table()


def training_set(settings: Settings, batch: int) -> Iterator[pa.Table]:
    """The labels with their features, some at a time."""
    from feature_store.stores import open_store

    snapshot = current_snapshot(settings)
    labels = labels_of(settings, snapshot.folder)
    store = open_store(settings, snapshot)
    features = store.get_feature_service(SERVICE)
    for start in range(0, labels.num_rows, batch):
        some = labels.slice(start, batch).to_pandas()
        yield store.get_historical_features(entity_df=some, features=features).to_arrow()


def write_training_set(settings: Settings, path: Path, batch: int) -> None:
    """The training set as one Parquet file."""
    writer = None
    for part in training_set(settings, batch):
        if writer is None:
            writer = pq.ParquetWriter(path, part.schema, compression="zstd")
        writer.write_table(part)
    if writer is not None:
        writer.close()


def main(arguments: list[str] | None = None) -> None:
    """Measure, write the figures, and exit with 1 where a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shop", default=SHOP)
    parser.add_argument("--lake", type=Path, help="one with published features")
    parser.add_argument("--batch", type=int, default=BATCH, help="labels asked for at once")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)  # in the measured process
    given = parser.parse_args(arguments)
    if given.write:
        warnings.simplefilter("ignore")  # Feast's, on on-demand views
        write_training_set(load_settings(), given.write, given.batch)
        return
    folder = Path(tempfile.mkdtemp(prefix="recomart-training-set-"))
    settings = load_settings(shop=given.shop, lake=given.lake or folder / "lake")
    path = folder / "training_set.parquet"
    try:
        if not given.lake:
            for step in ("ingest", "transform", "publish"):
                measured(settings, step)
        module = ["benchmarks.training_set", "--write", str(path), "--batch", str(given.batch)]
        figures = measured(settings, "training set", module)
        rows, columns = pq.read_metadata(path).num_rows, pq.read_schema(path).names
        size = path.stat().st_size
    finally:
        if not given.lake:
            processes.stop_all(settings)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{rows:,} labels, {len(columns)} columns, {size / 1e6:,.0f} MB of Parquet")
    cores = f"{figures.cpu_seconds:.1f} s of cores"
    print(f"{figures.seconds:.1f} s  {cores}  at most {figures.peak_rss_mb:,.0f} MB")
    write_result(
        "training_set",
        {
            "shop": given.shop,
            "labels": rows,
            "columns": columns,
            "parquet_bytes": size,
            "batch": given.batch,
            **asdict(figures),
        },
    )
    if figures.seconds > MAX_SECONDS or figures.peak_rss_mb > MAX_MB:
        sys.exit(f"more than {MAX_SECONDS:g} s or {MAX_MB:,.0f} MB")


if __name__ == "__main__":
    main()
