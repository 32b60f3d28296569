"""Nobody can lose, double or corrupt an event by killing what handles it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.stream_crash import disturbed, lines_of


@pytest.mark.slow
def test_kills_of_consumer_and_redis_change_nothing(tmp_path: Path) -> None:
    lines = lines_of(4_000, seed=7)
    outcome = disturbed(tmp_path, lines, kills=6, seed=7)

    account, report = outcome.account, "\n".join(outcome.lines())
    assert (outcome.kills, outcome.redis_kills) == (7, 2)
    assert account.transport_ids == (
        account.accepted + account.dead_letters + account.duplicates
    ), report
    # a producer that saw Redis die sends its batch again: never fewer than it had
    assert account.transport_ids >= len(lines), report
    assert account.accepted == len({line for line in lines if b'"occurred_at"' in line}), report
    assert (account.pending, account.lag) == (0, 0), report
    assert account.agrees, report
    assert outcome.differing_keys == 0, report
    assert outcome.raw_events == outcome.raw_distinct == account.accepted, report
