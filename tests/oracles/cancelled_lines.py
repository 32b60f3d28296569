"""What cancellations take back, told unit by unit: an oracle that shares nothing with the SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Place = tuple[str, int]


@dataclass(frozen=True)
class Line:
    """An order line that is in use: a purchase, or a cancellation of one."""

    place: Place
    order: str
    user: str
    product: str
    at: str
    units: int
    cancels: bool = False
    named: str | None = None


def taken_back(lines: Iterable[Line]) -> dict[Place, int]:
    """Units taken back, of each purchase and by each cancellation.

    First come cancellations that name an order, in their order of time: each takes single units from
    the order's latest line of the product that has any. Then time runs: a purchase puts its units on
    the pile of its user and product, and a cancellation takes units from the top, while there are any.
    """
    lines = list(lines)
    left = {line.place: line.units for line in lines if not line.cancels}
    taken = {line.place: 0 for line in lines}
    bought = [line for line in lines if not line.cancels]
    in_time = sorted(lines, key=lambda line: (line.at, line.cancels, line.place))
    for cancellation in (line for line in in_time if line.cancels and line.named):
        for _ in range(cancellation.units):
            meant = [
                line
                for line in bought
                if (line.order, line.product) == (cancellation.named, cancellation.product)
                and left[line.place]
            ]
            if not meant:
                break
            purchase = max(meant, key=lambda line: (line.at, line.place))
            left[purchase.place] -= 1
            taken[purchase.place] += 1
            taken[cancellation.place] += 1
    piles: dict[tuple[str, str], list[Place]] = {}
    for line in in_time:
        pile = piles.setdefault((line.user, line.product), [])
        if not line.cancels:
            pile += [line.place] * left[line.place]
            continue
        for _ in range(0 if line.named else line.units):
            if not pile:
                break
            taken[pile.pop()] += 1
            taken[line.place] += 1
    return taken
