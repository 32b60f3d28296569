"""Leave the last out: each user's newest label is the test, the one before it the validation.

A model knows of each user all but their last, and of the others what they did later. So it is a
little kinder than cutting the time of the whole shop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.holdout import holdout_of
from training.interactions import BoolArray, IntArray
from training.labels import ShopData
from training.protocols import Case, Cases

TRAINING = 2
"""Labels of each user, before the validation's, that combiners learn to foretell."""


@dataclass(frozen=True)
class LastOutProtocol:
    """By time, per user."""

    name: str = "last_out"
    words: str = "each user's newest label, from all that they did before"

    def cases(self, data: ShopData, *, seed: int) -> Cases:
        """As in `Protocol`; users with too few labels are in fewer cases."""
        labels = data.labels
        order = np.lexsort((np.arange(len(labels)), labels.times, labels.users))
        users = labels.users[order]
        from_end = np.searchsorted(users, users, side="right") - 1 - np.arange(len(users))
        age = np.empty(len(labels), dtype=np.int64)
        age[order] = from_end
        cases = [self._case(data, age, number, seed) for number in range(TRAINING + 2)]
        return Cases(tuple(reversed(cases[2:])), cases[1], cases[0], as_of=False)

    def _case(self, data: ShopData, age: IntArray, number: int, seed: int) -> Case:
        kept: BoolArray = age > number
        labels = data.labels
        known, happened = labels.where(kept), labels.where(age == number)
        cut = np.full(len(data.users), np.datetime64(2**62, "us"))
        cut[happened.users] = happened.times
        events = data.events.where(data.events.times < cut[data.events.users])
        now = data.rules.as_of + np.timedelta64(1, "us")
        held_out = holdout_of(data, happened, known, events, known_users=True, seed=seed)
        return Case(f"last but {number}" if number else "last", known, events, now, held_out)


PROTOCOL = LastOutProtocol()
