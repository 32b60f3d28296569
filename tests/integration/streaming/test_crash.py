"""Killing consumers and Redis does not lose, duplicate or corrupt an event."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.stream_crash import disturbed, lines_of


@pytest.mark.slow
def test_kills_of_consumer_and_redis_change_nothing(tmp_path: Path) -> None:
    lines = lines_of(4_000, seed=7)
    outcome = disturbed(tmp_path, lines, kills=6, seed=7)

    result, report = outcome.reconciliation, "\n".join(outcome.lines())
    assert (outcome.kills, outcome.redis_kills) == (7, 2)
    assert result.transport_ids == (result.accepted + result.dead_letters + result.duplicates), (
        report
    )
    # a producer that saw Redis die sends its batch again: never fewer than it had
    assert result.transport_ids >= len(lines), report
    assert result.accepted == len({line for line in lines if b'"occurred_at"' in line}), report
    assert (result.pending, result.lag) == (0, 0), report
    assert result.agrees, report
    assert outcome.differing_keys == 0, report
    assert outcome.raw_events == outcome.raw_distinct == result.accepted, report
