"""Prints the status of the stream and the result of `recomart stream check`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from quality.plain_text import one_line

if TYPE_CHECKING:
    from streaming.check import Reconciliation
    from streaming.counts import ConsumerReport
    from streaming.status import Segments, Status
    from streaming.transports.transport import Backlog


def status_page(status: Status) -> Group:
    """A short page: consumer lag, segments, real-time state and consumers."""
    facts = Table(show_header=False, box=None, pad_edge=False)
    facts.add_row("Redis Stream", _backlog(status))
    if status.kafka is not None:
        facts.add_row("Kafka topic", _kafka_backlog(status.kafka))
    facts.add_row("event segments", _segments(status.events))
    facts.add_row("dead-letter segments", _segments(status.dead_letters))
    facts.add_row("real-time state", _state(status.state))
    return Group(facts, _consumers(status.consumers))


def print_reconciliation(result: Reconciliation) -> None:
    """Print the counts of a check and each difference that it found."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(result.equation())
    console.print(
        f"lag: {_number(result.lag)} · events in the real-time state: {result.state_events:,}"
    )
    if result.lost:
        console.print(f"✘ {result.lost:,} entries are acknowledged but in no segment")
    if result.missing:
        console.print(
            f"✘ {result.missing:,} events are missing from the real-time state: run "
            "'recomart stream check --rebuild' to write them"
        )
    if result.unexplained:
        console.print(f"✘ {result.unexplained:,} events of the real-time state are in no segment")
    if result.miscounted:
        console.print(
            f"✘ {result.miscounted:,} product counters do not match the events of the real-time "
            "state: run 'recomart stream check --rebuild' to correct them"
        )
    if result.changed_meanwhile and not result.agrees:
        console.print("  events arrived during the check: run it again when the stream is idle")
    if result.agrees:
        console.print("✔ the segments, the real-time state and the stream agree")


def _backlog(status: Status) -> str:
    if status.backlog is None:
        return "no consumer has read from it yet"
    return f"lag {_number(status.backlog.lag)} · pending {status.backlog.pending:,} · {status.entries:,} entries in the stream"


def _kafka_backlog(backlog: Backlog | str) -> str:
    if isinstance(backlog, str):
        return one_line(backlog, 80)
    return f"lag {_number(backlog.lag)} (including uncommitted messages)"


def _number(lag: int | None) -> str:
    return "unknown" if lag is None else f"{lag:,}"


def _segments(segments: Segments) -> str:
    size = segments.bytes / 1e6
    return f"{segments.sealed:,} sealed · {segments.open:,} open · {size:,.1f} MB"


def _state(state: dict[str, int]) -> str:
    if not state:
        return "empty"
    names = {
        "featured": "events",
        "duplicates": "duplicates",
        "late": "late",
        "ahead": "dated ahead",
    }
    counts = [f"{state.get(key, 0):,} {name}" for key, name in names.items()]
    written = datetime.fromtimestamp(state.get("written_at", 0) / 1e6, UTC)
    return " · ".join([*counts, f"updated {_ago(written.timestamp())}"])


def _consumers(reports: tuple[ConsumerReport, ...]) -> Table | Text:
    from streaming.status import consumer_state

    if not reports:
        return Text("no consumer has run in the last day")
    table = Table(box=None, pad_edge=False)
    for name in (
        "consumer",
        "transport",
        "events/s",
        "received",
        "dead letters",
        "last event",
        "state",
    ):
        right = name in ("events/s", "received", "dead letters")
        table.add_column(name, justify="right" if right else "left")
    for report in reports:
        table.add_row(
            one_line(report.consumer, 40),
            report.transport,
            "" if report.ended else f"{report.rate:,.0f}",
            f"{report.deliveries:,}",
            f"{report.dead_letters:,}",
            "" if report.last_event_at is None else _ago(report.last_event_at),
            one_line(consumer_state(report), 60),
        )
    return table


def _ago(seconds: float) -> str:
    return f"{max(time.time() - seconds, 0):,.0f} s ago"
