"""The demo shop's users: where they live, how old they are, when they came, how active they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo_shop.plan import DAYS, Plan

COUNTRIES: dict[str, tuple[float, int]] = {
    "DE": (0.24, 1), "FR": (0.16, 1), "GB": (0.14, 0), "US": (0.18, -6), "BR": (0.10, -3),
    "IN": (0.10, 5), "JP": (0.08, 9),
}  # fmt: skip
"""Country -> (share of the users, hours ahead of UTC)."""

AGE_GROUPS = (25, 35, 45, 60)
"""Upper bounds of the age groups, in years; the last group is open."""

THERE_BEFORE = 0.5
"""Share of the users who signed up before the history begins."""

WEEKDAYS = np.array([1.0, 0.95, 0.95, 1.0, 1.1, 1.3, 1.25])
"""How busy the shop is from Monday to Sunday."""


@dataclass(frozen=True)
class People:
    """All users by number, in the order of their sign-up; arrays of length U."""

    ids: np.ndarray
    country: np.ndarray
    age_group: np.ndarray
    birth_year: np.ndarray
    signed_up: np.ndarray
    """Fractional day of the sign-up; below 0 for those who were there before the history."""
    hours_ahead: np.ndarray
    energy: np.ndarray
    """How often someone comes, a long tail."""
    rhythm: np.ndarray
    """(2, U) period in days and phase in turns: people come more in some weeks than in others."""

    def activity(self, day: int) -> np.ndarray:
        """(U,) how likely each user is to come on a day; 0 until the day after the sign-up.

        Energy, times the user's rhythm, times the zeal of the new (threefold, halved every week).
        """
        period, phase = self.rhythm
        wave = 1 + 0.8 * np.cos(2 * np.pi * (day / period + phase))
        since = day - np.floor(self.signed_up)
        zeal = 1 + 2 * 0.5 ** (np.maximum(since, 0) / 7) * (self.signed_up >= 0)
        return np.where(since > 0, self.energy * wave * zeal, 0.0)


def make_people(plan: Plan) -> People:
    """Draw the users of a plan."""
    rng = plan.random("people")
    count = plan.users
    before = round(count * THERE_BEFORE)
    signed_up = np.sort(
        np.concatenate(
            [
                -rng.exponential(200, before) - 0.5,
                # more and more of them; none after the shop handed out its data
                (DAYS - 1) * rng.random(count - before) ** 0.8,
            ]
        )
    )
    shares = np.array([share for share, _ in COUNTRIES.values()])
    country = rng.choice(len(COUNTRIES), count, p=shares)
    age = np.clip(rng.gamma(6, 6.5, count), 16, 90).astype(np.int64)
    return People(
        ids=np.array([f"u{number:06d}" for number in range(1, count + 1)]),
        country=country,
        age_group=np.searchsorted(AGE_GROUPS, age, side="right"),
        birth_year=plan.end_date.year - age,
        signed_up=signed_up,
        hours_ahead=np.array([ahead for _, ahead in COUNTRIES.values()])[country],
        energy=rng.lognormal(0, 0.8, count),
        rhythm=np.stack([rng.uniform(25, 90, count), rng.random(count)]),
    )


def visits_per_day(plan: Plan, sessions: int) -> np.ndarray:
    """(DAYS,) how many of `sessions` fall on each day; at least one on each.

    The shop grows to twice its size, is busier at weekends, and has good and bad days. The last
    day has only the hours until the data was handed out.
    """
    rng = plan.random("calendar")
    weekday = (plan.first_day.weekday() + np.arange(DAYS)) % 7
    weight = np.linspace(0.7, 1.4, DAYS) * WEEKDAYS[weekday] * rng.lognormal(0, 0.06, DAYS)
    weight *= np.array([plan.hours_of(day) for day in range(DAYS)]) / 24
    return np.maximum(1, np.rint(weight / weight.sum() * sessions)).astype(np.int64)
