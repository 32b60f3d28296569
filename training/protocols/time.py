"""Global time: cut the shop's time at several midnights, and ask about what came after each.

    |------------- history -------------|-- w1 --|-- w2 --|-- w3 --|- validation -|--- test ---|
    first label                         c1       c2       c3       c4             c5        as_of
                                        60%      67%      73%      80%            90%

A cut is a UTC midnight, near that share of the labels: batch features are those of whole days, so
the state at a cut is all that was known then. At each cut the sources are fitted on what happened
before it, and the features are those as of it; what users came to like in the window that follows
is what is to be foretold. So:

- combiners learn from w1, w2 and w3, each with sources that had not seen it;
- parameters and champion are chosen on the validation window, by models of c4;
- test figures come from models of c5, and combiners of w1 to w3 and validation;
- what is served is fitted once more, on everything, and its combiners on all five windows.

What the shop would not recommend at a cut (the user had it before, and the shop does not count
repeat purchases) is no candidate in the window after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.holdout import MAX_EVALUATED_USERS, holdout_of
from training.interactions import TimeArray
from training.labels import ShopData
from training.protocols import Case, Cases

SHARES = (0.60, 0.6667, 0.7333, 0.80, 0.90)
LEARNED_USERS = 700
"""Users of a window that combiners learn from: some 150,000 candidates each."""


@dataclass(frozen=True)
class TimeProtocol:
    """The default protocol.

    Args:
        shares: of the labels before each cut; the last two cuts are those of validation and test.
        known_users: whether only users with an event before a cut are asked about.
    """

    shares: tuple[float, ...] = SHARES
    known_users: bool = False
    name: str = "time"
    words: str = "learn from what was before a day, foretell what came after"

    def cases(self, data: ShopData, *, seed: int) -> Cases:
        """As in `Protocol`; fewer windows where days are few."""
        cuts = midnights(data.labels.times, self.shares)
        if not len(cuts):
            return Cases((), None, None)
        ends = [*cuts[1:], data.rules.as_of + np.timedelta64(1, "us")]
        cases = [
            Case(
                f"{str(cut)[:10]} to {str(end)[:10]}",
                data.labels.before(cut),
                data.events.before(cut),
                cut,
                holdout_of(
                    data,
                    data.labels.between(cut, end),
                    data.owned.before(cut),
                    data.events.before(cut),
                    known_users=self.known_users,
                    seed=seed,
                    most=LEARNED_USERS if number < len(cuts) - 2 else MAX_EVALUATED_USERS,
                ),
            )
            for number, (cut, end) in enumerate(zip(cuts, ends, strict=True))
        ]
        if len(cases) == 1:
            return Cases((), cases[0], None)
        return Cases(tuple(cases[:-2]), cases[-2], cases[-1])


def midnights(times: TimeArray, shares: tuple[float, ...]) -> TimeArray:
    """(n,) the midnights nearest to shares of the times, ascending; fewer where days are few.

    Chosen from the last share on, each before the one chosen last, so that no window is empty.
    """
    days = np.unique(times.astype("datetime64[D]"))[1:].astype("datetime64[us]")
    if not len(days):
        return days
    share_before = np.searchsorted(np.sort(times), days) / len(times)
    chosen: list[int] = []
    for share in reversed(shares):
        free = share_before[: chosen[-1] if chosen else None]
        if len(free):
            chosen.append(int(np.abs(free - share).argmin()))
    return days[chosen[::-1]]


PROTOCOL = TimeProtocol()
