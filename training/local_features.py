"""Features of the moment, from events: how old, how popular, how regular, when it is due.

The feature store's windows are whole days of a published snapshot. These are about one instant, and
about a user's own events with a product. Counts are shares, so that they mean the same in a shop
that grows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.behaviour import DAY, Events, Profiles
from training.interactions import FloatArray, IntArray, TimeArray

WINDOWS = (1.0, 7.0, 14.0, 28.0, 90.0)
"""Days over which popularity is counted."""
HALF_LIVES = (0.25, 7.0, 30.0, 90.0)
"""Days after which an own event counts half."""
NEVER = np.datetime64("NaT", "us")

NAMES = (
    *(f"popular_{days:g}d" for days in WINDOWS),
    "popular_ever",
    "trend_7d",
    "product_age",
    "product_idle",
    "repeat_rate",
    "new_buyer_share",
    "user_size",
    "user_products",
    "user_idle",
    "user_repeats",
    "arrived_since_visit",
    *(f"own_{days:g}d" for days in HALF_LIVES),
    "own_times",
    "own_idle",
    "own_due",
    "product_due",
    "taste_ever",
    "taste_7d",
)
"""What `Moment.rows` gives, in this order."""


@dataclass(frozen=True)
class Moment:
    """What all events before a cut say of each product.

    Args:
        popular: (products, windows + 1) the product's share of the events of each of WINDOWS and of
            all time, over the mean share: 1.0 is average.
        first_at, last_at: (products,) of its events; NaT without any.
        repeat_rate: (products,) the share of its users who came back to it.
        new_buyer_share: (products,) the share of its users of 28 days who had not had it before.
        interval: (products,) the mean days between two days of one user with it; NaN without any.
        category: (products,) as a number.
    """

    popular: FloatArray
    first_at: TimeArray
    last_at: TimeArray
    repeat_rate: FloatArray
    new_buyer_share: FloatArray
    interval: FloatArray
    category: IntArray

    def rows(
        self, profiles: Profiles, row: IntArray, product: IntArray, now: np.datetime64
    ) -> FloatArray:
        """(n, NAMES) of n pairs; NaN for what is not known.

        Args:
            profiles: of the users, up to now.
            row: (n,) the profile of each pair.
            product: (n,) its product.
        """
        idle = _days(now, self.last_at)[product]
        age = _days(now, self.first_at)[product]
        of_user = _users(profiles, now)
        popular = self.popular[product]
        columns = [popular[:, at] for at in range(popular.shape[1])]
        columns.append((popular[:, 1] + 0.1) / (popular[:, 3] + 0.1))
        columns += [age, idle, self.repeat_rate[product], self.new_buyer_share[product]]
        columns += [values[row] for values in of_user]
        user_idle = of_user[2][row]
        columns.append((age < user_idle).astype(np.float64))
        columns += self._own(profiles, row, product, now)
        columns += self._category(profiles, row, product, now)
        return np.column_stack(columns)

    def _own(
        self, profiles: Profiles, row: IntArray, product: IntArray, now: np.datetime64
    ) -> list[FloatArray]:
        """The user's own events with the product."""
        width = profiles.shape[1]
        key = profiles.rows * width + profiles.products
        asked = row * width + product
        keys, at = np.unique(key, return_inverse=True)
        place = np.searchsorted(keys, asked)
        place = np.where(place < len(keys), place, 0)
        found = (keys[place] == asked) if len(keys) else np.zeros(len(asked), dtype=bool)

        def of_pairs(values: FloatArray, empty: float) -> FloatArray:
            if not len(keys):
                return np.full(len(asked), empty)
            return np.where(found, values[place], empty)

        age = np.maximum(_days(now, profiles.times), 0.0)
        columns = []
        for half_life in HALF_LIVES:
            faded = np.maximum(profiles.weights, 0.0) * 0.5 ** (age / half_life)
            sums = np.bincount(at, faded, len(keys)).astype(np.float64)
            total = np.bincount(profiles.rows, faded, len(profiles))
            share = np.divide(sums, total[keys // width] if len(keys) else sums, where=sums > 0,
                              out=np.zeros_like(sums))  # fmt: skip
            columns.append(of_pairs(share, 0.0))
        day = profiles.times.astype("datetime64[D]").astype(np.int64)
        days = np.unique(np.column_stack([at, day]), axis=0) if len(key) else np.empty((0, 2), int)
        times = np.bincount(days[:, 0], minlength=len(keys)).astype(np.float64)
        first, last = np.full(len(keys), np.inf), np.full(len(keys), -np.inf)
        np.minimum.at(first, days[:, 0], days[:, 1])
        np.maximum.at(last, days[:, 0], days[:, 1])
        newest = np.full(len(keys), np.inf)
        np.minimum.at(newest, at, age)
        interval = np.divide(
            last - first, times - 1, out=np.full(len(keys), np.nan), where=times > 1
        )
        idle = of_pairs(newest, np.nan)
        columns.append(of_pairs(times, 0.0))
        columns.append(idle)
        columns.append(idle / of_pairs(interval, np.nan))
        columns.append(idle / self.interval[product])
        return columns

    def _category(
        self, profiles: Profiles, row: IntArray, product: IntArray, now: np.datetime64
    ) -> list[FloatArray]:
        """The share of the product's category in the user's events, ever and lately."""
        categories = int(self.category.max(initial=0)) + 1
        at = profiles.rows * categories + self.category[profiles.products]
        asked = row * categories + self.category[product]
        keys, place = np.unique(at, return_inverse=True)
        where = np.searchsorted(keys, asked)
        where = np.where(where < len(keys), where, 0)
        age = np.maximum(_days(now, profiles.times), 0.0)
        columns = []
        for half_life in (3_650.0, 7.0):
            faded = np.maximum(profiles.weights, 0.0) * 0.5 ** (age / half_life)
            sums = np.bincount(place, faded, len(keys)).astype(np.float64)
            total = np.bincount(profiles.rows, faded, len(profiles))[row]
            mine = np.zeros(len(asked))
            if len(keys):
                mine = np.where(keys[where] == asked, sums[where], 0.0)
            columns.append(np.divide(mine, total, out=np.zeros(len(asked)), where=total > 0))
        return columns


def moment_of(events: Events, categories: IntArray, now: np.datetime64) -> Moment:
    """What the events before `now` say of each product; only what speaks for one counts.

    Args:
        categories: (products,) of each, as a number.
    """
    good = events.positive()
    products = len(categories)
    age = _days(now, good.times)
    popular = np.empty((products, len(WINDOWS) + 1))
    for at, days in enumerate((*WINDOWS, np.inf)):
        counts = np.bincount(good.products[age <= days], minlength=products).astype(np.float64)
        popular[:, at] = counts * products / max(counts.sum(), 1.0)
    first_at = np.full(products, NEVER)
    last_at = np.full(products, NEVER)
    first_at[good.products[::-1]] = good.times[::-1]  # events are in the order of time
    last_at[good.products] = good.times
    repeat_rate, new_share, interval = _returns(good, products, now)
    return Moment(popular, first_at, last_at, repeat_rate, new_share, interval, categories)


def _returns(
    good: Events, products: int, now: np.datetime64
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Repeat rate, share of new buyers, and mean interval of each product."""
    pair = good.users * products + good.products
    day = good.times.astype("datetime64[D]").astype(np.int64)
    order = np.lexsort((day, pair))
    pair, day = pair[order], day[order]
    fresh = np.r_[True, (pair[1:] != pair[:-1]) | (day[1:] != day[:-1])] if len(pair) else pair > 0
    pair, day = pair[fresh], day[fresh]
    keys, start, times = np.unique(pair, return_index=True, return_counts=True)
    product = keys % products
    first, last = day[start], day[start + times - 1]
    users = np.bincount(product, minlength=products)
    again = np.bincount(product, times > 1, products)
    repeat_rate = np.divide(again, users, out=np.zeros(products), where=users > 0)
    month = now.astype("datetime64[D]").astype(np.int64) - 28
    recent, new = last >= month, first >= month
    late = np.bincount(product, recent, products)
    new_share = np.divide(
        np.bincount(product, recent & new, products), late, out=np.full(products, np.nan),
        where=late > 0,
    )  # fmt: skip
    gaps = np.bincount(product, last - first, products)
    steps = np.bincount(product, times - 1, products)
    interval = np.divide(gaps, steps, out=np.full(products, np.nan), where=steps > 0)
    return repeat_rate, new_share, interval


def _users(profiles: Profiles, now: np.datetime64) -> list[FloatArray]:
    """Of each profile: events, products, days since the last event, share of repeats."""
    size = np.diff(profiles.starts).astype(np.float64)
    distinct = np.diff(profiles.matrix().indptr).astype(np.float64)
    idle = np.full(len(profiles), np.nan)
    some = size > 0
    idle[some] = _days(now, profiles.times[profiles.starts[1:][some] - 1])
    repeats = np.divide(size - distinct, size, out=np.zeros_like(size), where=size > 0)
    return [size, distinct, idle, repeats]


def _days(now: np.datetime64, times: TimeArray) -> FloatArray:
    """(n,) days from `times` to now; NaN for NaT."""
    age = (now - times).astype("timedelta64[us]")
    days = age.astype(np.float64) / DAY
    days[np.isnat(age)] = np.nan
    return days
