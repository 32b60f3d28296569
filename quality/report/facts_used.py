"""The share of a shop's facts that is used: what the verdict goes by.

A fact is a rating, an order line or an event. Users and products are lists: a list that is made from
the facts has as many entries as its mapping makes combinations, which says nothing of what is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from quality.report.content import Content
from quality.report.source_account import SourceAccount
from recomart.shop.entities import ENTITIES, LISTS
from recomart.shop.verdict import VerdictLimits

Standing = Literal["good", "fair", "poor"]


class FactsUsed(Content):
    """The facts of one entity, from all of its sources.

    Not counted are repeats and old versions, of which another record is used, what the shop's own
    filter leaves out, and what was not judged yet. Repeats within a file count as lost facts unless
    the shop file says what they are: they may be purchases.
    """

    entity: str
    used: int
    facts: int
    """The used ones, those in quarantine, unreadable lines, and doubtful repeats."""
    failed_files: int
    standing: Standing

    @property
    def share(self) -> float:
        """Of the facts that are used, 0 to 1."""
        return self.used / self.facts if self.facts else 0.0


def facts_used(sources: Sequence[SourceAccount], limits: VerdictLimits) -> tuple[FactsUsed, ...]:
    """By entity, in order; entities without a fact and without a failed file are left out."""
    found = []
    for entity in (name for name in ENTITIES if name not in LISTS.values()):
        of = [source for source in sources if source.entity == entity]
        used = sum(source.accepted for source in of)
        lost = sum(s.quarantined + s.rejected + s.doubtful_repeats for s in of)
        failed = sum(source.failed_files for source in of)
        if used + lost + failed:
            found.append(
                FactsUsed(
                    entity=entity,
                    used=used,
                    facts=used + lost,
                    failed_files=failed,
                    standing=_standing(used, used + lost, failed, limits),
                )
            )
    return tuple(found)


def _standing(used: int, facts: int, failed_files: int, limits: VerdictLimits) -> Standing:
    """A file that could not be loaded has nobody knows how many facts: with one, nothing is good."""
    if used < limits.red_below * facts:
        return "poor"
    return "fair" if used < limits.amber_below * facts or failed_files else "good"


def worst(found: Sequence[FactsUsed]) -> Standing:
    """The worst standing of any entity; good for none."""
    order: tuple[Standing, ...] = ("good", "fair", "poor")
    return max((one.standing for one in found), key=order.index, default="good")
