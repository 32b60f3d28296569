"""Point-in-time joins: our offline store, Feast's DuckDB store, and a bare ASOF query, in one run.

    python -m benchmarks.point_in_time --cases 1000000x5 50000x1440

A case is a number of labels against a number of rows per entity, 10 features; without late rows and with 1%
of them (created up to a day after their event time). The labels are in memory, the features in
Parquet; all return Arrow in memory, with the same threads and memory limit (Feast has no setting
for these). `bare` is DuckDB's `asof left join` as one would write it and nothing else: no order of
rows, no created times, so it is a measure and no answer. Each runs in a process of its own, and they
take turns.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.join_data import FEATURES, OURS, open_store, write_labels
from benchmarks.results import write_result
from benchmarks.turns import serve, take_turns
from recomart.settings import load_settings
from recomart.warehouse import apply_limits

CASES = ["1000000x5", "50000x1440"]
ROWS = {5: 200_000, 1440: 1_000}
"""Entities by rows an entity; others get a million rows in all."""
ROUNDS = 5
AT_LEAST = {"1000000x5": 4.0, "50000x1440": 12.0}
AT_MOST_OF_BARE = 1.5
AT_MOST_OF_PEAK = {"50000x1440": 0.25}


def write_case(folder: Path, labels: int, rows: int, late: float) -> None:
    """Labels and features as Parquet, the same for the same numbers."""
    entities = ROWS.get(rows, max(1, 1_000_000 // rows))
    features = ", ".join(f"(hash(e, n, {i}) % 1000) / 10.0 as f{i}" for i in range(FEATURES))
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            copy (
                select
                    'e' || e as entity_id,
                    timestamp '2024-01-01' + to_minutes((n * 525600 // {rows})::int)
                        as event_timestamp,
                    event_timestamp + if(
                        hash(e, n) % 10000 < {late * 10_000}, interval 1 day, interval 0 day
                    ) as created_at,
                    {features}
                from range({entities}) as a(e), range({rows}) as b(n)
                order by 1, 2
            ) to '{folder}/features.parquet' (format parquet, compression zstd)
            """
        )
        write_labels(connection, folder, labels, entities, minutes=525_600)


def contender(name: str, folder: Path) -> None:
    """One side, in this process, a join for each turn."""
    labels = pq.read_table(folder / "labels.parquet")
    if name == "bare":
        serve(lambda: bare(folder, labels))
        return
    side = "stock" if name.startswith("stock") else "ours"
    offline_store = {"type": OURS if side == "ours" else "duckdb"}
    store = open_store(folder, offline_store, registry=f"{side}.db")
    frame: Any = labels if name.startswith("ours") else labels.to_pandas()
    refs = [f"view:f{i}" for i in range(FEATURES)]
    serve(
        lambda: store.get_historical_features(
            entity_df=frame, features=refs, filter_by_created_timestamp=name.endswith("then")
        ).to_arrow()
    )


def bare(folder: Path, labels: pa.Table) -> pa.Table:
    """DuckDB's ASOF join alone, as Arrow."""
    with duckdb.connect() as connection:
        apply_limits(connection, load_settings())
        # as ours: DuckDB takes an Arrow table for a small one, and would loop
        connection.execute("set asof_loop_join_threshold = 0")
        connection.register("labels", labels)
        return connection.execute(
            f"""
            select labels.*, {", ".join(f"f.f{i}" for i in range(FEATURES))}
            from labels
            asof left join read_parquet('{folder}/features.parquet') f
                on labels.entity_id = f.entity_id and labels.event_timestamp >= f.event_timestamp
            """
        ).to_arrow_table()


CONTENDERS = {
    "bare": "bare ASOF query",
    "ours": "RecoMart",
    "ours-then": "RecoMart, as known then",
    "stock": "Feast's DuckDB store",
}


def measure(case: str, late: float, rounds: int, without: list[str]) -> dict[str, Any]:
    """One case: seconds and peak by contender, and the ratios."""
    labels, rows = map(int, case.split("x"))
    with tempfile.TemporaryDirectory(prefix="recomart-pit-") as folder:
        write_case(Path(folder), labels, rows, late)
        turns = take_turns(
            {
                name: ("benchmarks.point_in_time", "--contender", name, "--folder", folder)
                for name in CONTENDERS
                if name not in without
            },
            rounds,
        )
    seconds = {name: turn.seconds for name, turn in turns.items()}
    peaks = {name: turn.peak_mb for name, turn in turns.items()}
    return {
        "case": case,
        "labels": labels,
        "rows_an_entity": rows,
        "late": late,
        "seconds": seconds,
        "peak_mb": peaks,
        "of_bare": seconds["ours"] / seconds["bare"],
        "then_of_bare": seconds["ours-then"] / seconds["bare"],
    } | (
        {
            "times_faster": seconds["stock"] / seconds["ours"],
            "peak_of_stock": peaks["ours"] / peaks["stock"],
        }
        if "stock" in turns
        else {}
    )


def missed(run: dict[str, Any]) -> list[str]:
    """The limits that a case did not keep."""
    case, out = run["case"], []
    if run.get("times_faster", 1e9) < AT_LEAST.get(case, 0):
        out.append(f"{run['times_faster']:.1f} times faster, at least {AT_LEAST[case]:g} asked")
    if case in AT_LEAST:
        for name in ("of_bare", "then_of_bare"):
            if run[name] > AT_MOST_OF_BARE:
                out.append(f"{name} {run[name]:.2f}, at most {AT_MOST_OF_BARE:g} asked")
    if run.get("peak_of_stock", 0) > AT_MOST_OF_PEAK.get(case, 1e9):
        out.append(f"peak {run['peak_of_stock']:.2f} of Feast's, {AT_MOST_OF_PEAK[case]:g} asked")
    return out


def main(arguments: list[str] | None = None) -> int:
    """Print a table, keep the figures as JSON; 1 when a limit was not kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.point_in_time", description=__doc__)
    parser.add_argument("--cases", nargs="+", default=CASES, help="LABELSxROWS_AN_ENTITY")
    parser.add_argument("--late", type=float, nargs="+", default=[0.0, 0.01])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--without", nargs="*", default=[], choices=["stock"])
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.contender:
        contender(given.contender, given.folder)
        return 0
    runs, failures = [], []
    for case in given.cases:
        for late in given.late:
            run = measure(case, late, given.rounds, given.without)
            runs.append(run)
            print(f"{case}, {late:.0%} late, {FEATURES} features, medians of {given.rounds}")
            for name, seconds in run["seconds"].items():
                print(
                    f"  {CONTENDERS[name]:<26} {seconds:8.3f} s "
                    f"{seconds / run['seconds']['bare']:6.2f} of bare "
                    f"{run['peak_mb'][name]:8,.0f} MB peak",
                    flush=True,
                )
            failures += [f"{case}, {late:.0%} late: {text}" for text in missed(run)]
    print(f"figures in {write_result('point_in_time', {'runs': runs})}")
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
