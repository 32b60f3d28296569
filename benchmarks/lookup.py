"""The online lookup: one user and many products, against stock Feast and raw pipelined HMGET.

    python -m benchmarks.lookup --products 200 --calls 200

10 features each, in one process on one connection each, taking turns call by call. Raw is redis-py's
pipeline of HMGET with the keys and fields made ahead, and nothing decoded: the limit. Ours gives
values, statuses and ages of all; stock Feast gives values, in one call per view as its SDK wants
it: a single call joins user and products row by row, and is measured too.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import redis

from benchmarks.online_sample import (
    FEATURES,
    beat,
    feature_store,
    kinds,
    layout,
    own_redis,
    write_rows_file,
)
from benchmarks.results import write_result
from feature_store.online.lookup import OnlineFeatures
from feature_store.online.lookup_async import AsyncOnlineFeatures
from feature_store.online.rows import OnlineRows
from feature_store.online.writer import write_rows

AT_MOST_OF_STOCK = 1 / 3
AT_MOST_OF_RAW = 2.5
ENTITIES = 20_000
VIEWS = ["user", "product"]


def read_all(rows: dict[str, OnlineRows]) -> int:
    """Read everything that each row offers: values, statuses and ages."""
    count = 0
    for view in rows.values():
        for name, values in view.columns.items():
            count += len(values) + len(view.statuses(name))
        count += len(view.age.tolist())
    return count


def measure(products: int, calls: int) -> dict[str, Any]:
    """Milliseconds of each contender's calls, p50 and p99."""
    with tempfile.TemporaryDirectory(prefix="recomart-lookup-") as name:
        folder = Path(name)
        with own_redis(folder) as (settings, port):
            client = redis.Redis(port=port)
            project = settings.feast_project
            for view in VIEWS:
                write_rows_file(folder / f"{view}.parquet", view, ENTITIES)
                rows = pq.read_table(folder / f"{view}.parquet")
                write_rows(client, layout(project, view), rows, "event_timestamp")
            beat(client, settings, VIEWS, ENTITIES)
            ours = OnlineFeatures(settings, deadline=30)
            stock = feature_store(folder, project, VIEWS, port, ours=False)
            with asyncio.Runner() as runner:
                loop = runner.get_loop()
                waiting = AsyncOnlineFeatures(settings, deadline=30)
                contenders: dict[str, Callable[[str, list[str]], object]] = {
                    "raw": lambda u, p: _raw(client, project, u, p),
                    "ours": lambda u, p: read_all(ours.read_views({"user": [u], "product": p})),
                    # a server's loop runs on; Runner.run would begin and end for each call, and
                    # its change of the SIGINT handler writes the whole answer's repr: 12 ms
                    "ours_async": lambda u, p: read_all(
                        loop.run_until_complete(waiting.read_views({"user": [u], "product": p}))
                    ),
                    "stock": lambda u, p: _stock(stock, u, p),
                    "stock_joined": lambda u, p: _stock_joined(stock, u, p),
                }
                times = turns_by_call(contenders, products, calls)
                runner.run(waiting.close())
    return {
        "products": products,
        "features": FEATURES,
        "calls": calls,
        **{
            name: {
                "p50_ms": statistics.median(taken) * 1e3,
                "p99_ms": sorted(taken)[int(len(taken) * 0.99)] * 1e3,
            }
            for name, taken in times.items()
        },
    }


def turns_by_call(
    contenders: dict[str, Callable[[str, list[str]], object]],
    products: int,
    calls: int,
    entities: int = ENTITIES,
) -> dict[str, list[float]]:
    """Seconds of each contender's calls, for a user and products out of that many entities."""
    dice = random.Random(7)
    times: dict[str, list[float]] = {name: [] for name in contenders}
    warm = max(3, calls // 20)
    for turn in range(warm + calls):
        if turn == warm:
            gc.collect()
            gc.freeze()  # as a server would: Feast's modules are many objects to look through
        user = f"u{dice.randrange(entities)}"
        wanted = [f"p{dice.randrange(entities)}" for _ in range(products)]
        for name, call in contenders.items():
            start = time.perf_counter()
            call(user, wanted)
            seconds = time.perf_counter() - start
            if turn >= warm:
                times[name].append(seconds)
    gc.unfreeze()
    return times


def _raw(client: redis.Redis, project: str, user: str, products: list[str]) -> object:
    with client.pipeline(transaction=False) as pipe:
        for view, keys in (("user", [user]), ("product", products)):
            where = layout(project, view)
            fields = [where.time_field, *where.fields]
            for key in where.keys([(key,) for key in keys]):
                pipe.hmget(key, fields)  # type: ignore[arg-type]  # its stubs want str fields
        return pipe.execute()


def _stock(store: Any, user: str, products: list[str]) -> object:
    return [
        store.get_online_features(
            features=[f"{view}:{name}" for name, _ in kinds(view)], entity_rows=rows
        ).to_dict()
        for view, rows in (
            ("user", [{"user_id": user}]),
            ("product", [{"product_id": product} for product in products]),
        )
    ]


def _stock_joined(store: Any, user: str, products: list[str]) -> object:
    return store.get_online_features(
        features=[f"{view}:{name}" for view in VIEWS for name, _ in kinds(view)],
        entity_rows=[{"user_id": user, "product_id": product} for product in products],
    ).to_dict()


NAMES = {
    "raw": "raw HMGET, pipelined",
    "ours": "RecoMart",
    "ours_async": "RecoMart, asyncio",
    "stock": "Feast, a call per view",
    "stock_joined": "Feast, one call",
}


def main(arguments: list[str] | None = None) -> int:
    """Print a table, keep the figures as JSON; 1 when a limit was not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lookup", description=__doc__)
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--calls", type=int, default=200)
    given = parser.parse_args(arguments)
    figures = measure(given.products, given.calls)
    of_stock = figures["ours"]["p50_ms"] / figures["stock"]["p50_ms"]
    of_raw = figures["ours"]["p50_ms"] / figures["raw"]["p50_ms"]
    print(f"one user, {given.products} products, {FEATURES} features each, {given.calls} calls")
    for name, title in NAMES.items():
        print(
            f"  {title:<24} p50 {figures[name]['p50_ms']:8.2f} ms  "
            f"p99 {figures[name]['p99_ms']:8.2f} ms"
        )
    print(
        f"  p50 of stock's {of_stock:.2f} (at most {AT_MOST_OF_STOCK:.2f}), "
        f"of raw {of_raw:.2f} (at most {AT_MOST_OF_RAW})"
    )
    path = write_result("lookup", figures | {"p50_of_stock": of_stock, "p50_of_raw": of_raw})
    print(f"figures in {path}")
    return 1 if of_stock > AT_MOST_OF_STOCK or of_raw > AT_MOST_OF_RAW else 0


if __name__ == "__main__":
    sys.exit(main())
