"""Features into Redis: ours, stock Feast's materialize, and the same bytes down a pipe, in one run.

    python -m benchmarks.publish_online --rows 1000000 --stock-rows 50000

10 features an entity, of four types, 5% of them null. `publish` is the step that compares with what
was last written and sends the difference (feature_store/publish/online_sync.py): all rows, then with 1% of them
changed, then unchanged. `materialize` is `FeatureStore.materialize` with our store and engine, and
with Feast's own; stock runs on fewer rows, and is given in rows a second. `pipe` sends the commands
of a full publish, made ahead, and only reads the replies: what Redis takes. Redis is emptied before
each full turn. Everything runs in this process.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import redis

from benchmarks.online_sample import (
    AS_OF,
    END,
    FEATURES,
    START,
    VIEWS,
    feature_store,
    kinds,
    layout,
    own_redis,
    write_rows_file,
)
from benchmarks.results import write_result
from feature_store.bitemporal import EVENT_TIMESTAMP
from feature_store.online.resp import exchange_pieces
from feature_store.online.writer import table_pieces
from feature_store.publish.difference import ViewHistory
from feature_store.publish.online_sync import write_difference
from recomart.step import no_progress

VIEW = "user"
ROUNDS = 5
TIMES_STOCK = 8.0
SHARE_OF_PIPE = 0.5
CHANGED = 0.01
OF_FULL = 0.10


def history(folder: Path) -> ViewHistory:
    """The view's file in a folder, as a publish looks at it."""
    features = tuple(name for name, _ in kinds(VIEW))
    return ViewHistory(folder / f"{VIEW}.parquet", AS_OF, (VIEWS[VIEW],), features)


def measure(rows: int, stock_rows: int, rounds: int) -> dict[str, Any]:
    """Seconds of each way, medians of the rounds."""
    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="recomart-publish-") as name:
        root = Path(name)
        folders = {part: root / part for part in ("full", "changed", "few")}
        for folder in folders.values():
            folder.mkdir()
        write_rows_file(folders["full"] / f"{VIEW}.parquet", VIEW, rows)
        write_rows_file(folders["changed"] / f"{VIEW}.parquet", VIEW, rows, CHANGED)
        write_rows_file(folders["few"] / f"{VIEW}.parquet", VIEW, stock_rows)
        with own_redis(root) as (settings, port):
            client = redis.Redis(port=port)
            client.config_set("appendonly", "no")  # its disk is not what is measured
            project = settings.feast_project
            table = pq.read_table(folders["full"] / f"{VIEW}.parquet")
            made = table_pieces(layout(project, VIEW), table, EVENT_TIMESTAMP)
            pieces = [(bytes(piece), count) for piece, count in made]
            del table
            bytes_sent = sum(len(piece) for piece, _ in pieces)
            ours = feature_store(folders["full"], project, [VIEW], port, ours=True)
            stock = feature_store(folders["few"], project, [VIEW], port, ours=False)

            def turn(way: str, call: Callable[[], Any], *, empty: bool = True) -> Any:
                if empty:
                    client.flushall()
                start = time.perf_counter()
                result = call()
                seconds[way].append(time.perf_counter() - start)
                return result

            def publish(part: str, before: str | None = None) -> int:
                known = history(folders[before]) if before else None
                view = layout(project, VIEW)
                return write_difference(client, view, history(folders[part]), known, no_progress)[1]

            changed = 0
            for _ in range(rounds):
                turn("pipe", lambda: exchange_pieces(client, pieces))
                turn("publish", lambda: publish("full"))
                changed = turn("changed", lambda: publish("changed", "full"), empty=False)
                turn("unchanged", lambda: publish("changed", "changed"), empty=False)
                turn("materialize", lambda: ours.materialize(START, END))
                turn("stock", lambda: stock.materialize(START, END))
            found = client.dbsize()
    if found != stock_rows:
        raise SystemExit(f"Redis holds {found:,} entities after stock's turn, not {stock_rows:,}")
    medians = {way: statistics.median(taken) for way, taken in seconds.items()}
    counts = dict.fromkeys(medians, rows) | {"stock": stock_rows}
    speed = {way: counts[way] / medians[way] for way in medians}
    return {
        "rows": rows,
        "stock_rows": stock_rows,
        "features": FEATURES,
        "rounds": rounds,
        "bytes_sent": bytes_sent,
        "rows_changed": changed,
        "seconds": medians,
        "rows_a_second": {way: speed[way] for way in ("pipe", "publish", "materialize", "stock")},
        "publish_times_stock": speed["publish"] / speed["stock"],
        "materialize_times_stock": speed["materialize"] / speed["stock"],
        "publish_of_pipe": speed["publish"] / speed["pipe"],
        "changed_of_full": medians["changed"] / medians["publish"],
    }


def main(arguments: list[str] | None = None) -> int:
    """Print a table, keep the figures as JSON; 1 when a limit was not kept."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.publish_online", description=__doc__
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--stock-rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args(arguments)
    logging.getLogger("feast").setLevel(logging.WARNING)
    figures = measure(given.rows, min(given.stock_rows, given.rows), given.rounds)
    seconds, speed = figures["seconds"], figures["rows_a_second"]
    print(
        f"{given.rows:,} entities, {FEATURES} features, {figures['bytes_sent'] / 1e6:,.0f} MB; "
        f"medians of {given.rounds}; stock on {figures['stock_rows']:,}\n"
        f"  the same bytes by pipe  {seconds['pipe']:8.2f} s {speed['pipe']:10,.0f} rows/s\n"
        f"  publish, all            {seconds['publish']:8.2f} s {speed['publish']:10,.0f} rows/s   "
        f"{figures['publish_of_pipe']:.2f} of the pipe (at least {SHARE_OF_PIPE})\n"
        f"  materialize, ours       {seconds['materialize']:8.2f} s "
        f"{speed['materialize']:10,.0f} rows/s   {figures['materialize_times_stock']:.1f} x stock\n"
        f"  materialize, stock      {seconds['stock']:8.2f} s {speed['stock']:10,.0f} rows/s   "
        f"publish is {figures['publish_times_stock']:.1f} x stock (at least {TIMES_STOCK:g})\n"
        f"  publish, {figures['rows_changed']:,} changed {seconds['changed']:10.2f} s   "
        f"{figures['changed_of_full']:.1%} of all (below {OF_FULL:.0%})\n"
        f"  publish, unchanged      {seconds['unchanged']:8.2f} s"
    )
    print(f"figures in {write_result('publish_online', figures)}")
    kept = (
        figures["publish_times_stock"] >= TIMES_STOCK
        and figures["publish_of_pipe"] >= SHARE_OF_PIPE
        and figures["changed_of_full"] < OF_FULL
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
