"""Printing how the stream fares, and whether its account balances."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from recomart.plain_text import one_line

if TYPE_CHECKING:
    from streaming.check import Account
    from streaming.counts import ConsumerReport
    from streaming.status import Segments, Status
    from streaming.transports.transport import Backlog


def status_page(status: Status) -> Group:
    """The stream as a short page: backlog, consumers, segments, state."""
    facts = Table(show_header=False, box=None, pad_edge=False)
    facts.add_row("Redis Stream", _backlog(status))
    if status.kafka is not None:
        facts.add_row("Kafka topic", _of_kafka(status.kafka))
    facts.add_row("segments of events", _segments(status.events))
    facts.add_row("dead letters", _segments(status.dead_letters))
    facts.add_row("real-time state", _state(status.state))
    return Group(facts, _consumers(status.consumers))


def show_account(account: Account) -> None:
    """The equation, what waits, and what does not agree."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(account.equation())
    console.print(
        f"not delivered yet: {_number(account.lag)} · events in the real-time state: {account.state_events:,}"
    )
    if account.undelivered:
        console.print(f"✘ {account.undelivered:,} entries are acknowledged and in no segment")
    if account.missing:
        console.print(
            f"✘ the state lacks {account.missing:,} events: 'recomart stream check --rebuild' "
            "writes them"
        )
    if account.unknown:
        console.print(f"✘ the state has {account.unknown:,} events that are in no segment")
    if account.miscounted:
        console.print(
            f"✘ {account.miscounted:,} counters of products are not what the events in the state "
            "come to: 'recomart stream check --rebuild' writes them"
        )
    if account.moved and not account.agrees:
        console.print("  events came in meanwhile: look again when the stream rests")
    if account.agrees:
        console.print("✔ segments, real-time state and stream agree")


def _backlog(status: Status) -> str:
    if status.backlog is None:
        return "nobody has consumed from it"
    return f"lag {_number(status.backlog.lag)} · pending {status.backlog.pending:,} · {status.entries:,} entries held"


def _of_kafka(backlog: Backlog | str) -> str:
    if isinstance(backlog, str):
        return one_line(backlog, 80)
    return f"lag {_number(backlog.lag)}, what is not committed included"


def _number(lag: int | None) -> str:
    return "unknown" if lag is None else f"{lag:,}"


def _segments(segments: Segments) -> str:
    size = segments.bytes / 1e6
    return f"{segments.sealed:,} sealed · {segments.open:,} open · {size:,.1f} MB"


def _state(state: dict[str, int]) -> str:
    if not state:
        return "nothing written"
    counts = [
        f"{state.get(name, 0):,} {name}" for name in ("featured", "duplicates", "late", "ahead")
    ]
    written = datetime.fromtimestamp(state.get("written_at", 0) / 1e6, UTC)
    return " · ".join([*counts, f"written {_ago(written.timestamp())}"])


def _consumers(reports: tuple[ConsumerReport, ...]) -> Table | Text:
    from streaming.status import fares

    if not reports:
        return Text("no consumer has run")
    table = Table(box=None, pad_edge=False)
    for name in ("consumer", "transport", "events/s", "received", "dead letters", "newest", ""):
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
            one_line(fares(report), 60),
        )
    return table


def _ago(seconds: float) -> str:
    return f"{max(time.time() - seconds, 0):,.0f} s ago"
