"""`time`: a time is not in the future, and the shop was open. No shop file declares it by column."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from recomart.rules.kind import RuleKind, Subject, whose
from recomart.rules.ranges import Bounds, bound_words, time_text
from recomart.rules.rule import Rule

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
"""When a shop opened that does not say so."""


class Time(RuleKind):
    name = "time"
    order = 50

    def rules(self, at: Subject) -> Iterator[Rule]:
        limits = at.column.limits
        if limits is None:
            return
        yield self._rule(
            at, "future",
            parameters={"by_clock": limits.by_clock, "ahead": limits.ahead},
        )  # fmt: skip
        if limits.in_opening:
            opened = Bounds(low=time_text(at.shop.opened_at or EARLIEST))
            yield self._rule(at, "before_opening", bounds=opened)
            if at.shop.closed_at:
                closed = Bounds(high=time_text(at.shop.closed_at))
                yield self._rule(at, "after_closing", bounds=closed)

    def words(self, rule: Rule) -> str:
        if rule.bounds is not None:
            opened, closed = bound_words(rule.bounds.low), bound_words(rule.bounds.high)
            if opened:
                return f"{whose(rule)} is not before the shop opened ({opened})."
            return f"{whose(rule)} is not after the shop closed ({closed})."
        clock = ", nor later than the shop's clock" if rule.parameters["by_clock"] else ""
        if ahead := rule.parameters["ahead"]:
            return (
                f"{whose(rule)} is at most {ahead // 60} minutes later than it was received, nor in "
                f"the future{clock}."
            )
        return f"{whose(rule)} is not in the future{clock}."

    def _rule(self, at: Subject, name: str, **fields: Any) -> Rule:
        return self.rule(at, "quarantined", f"{name}_{at.column.name}", name=name, **fields)


RULE = Time()
