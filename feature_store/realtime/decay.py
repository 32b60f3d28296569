"""The trending score: what happened to a product in 24 hours, what is old counting less.

    score(as_of) = sum over minutes m of weight * n(m) * 2 ** (-(floor(as_of) - m) / HALF_LIFE)

in whole UTC minutes, floor(as_of) - 24 h < m <= floor(as_of): exponential decay, computed at the
lookup from the counts. So that the highest can be found without reading every product, each day
also keeps a score that decays forward from the day's midnight L, weight * 2 ** ((m - L) /
HALF_LIFE): a sum to which an event adds once and that is never touched again. Multiplied with
2 ** (-(floor(as_of) - L) / HALF_LIFE) it is the day's part of the score, apart from minutes outside
the window: never less than that part.

Source: Cormode, Shkapenyuk, Srivastava, Xu, "Forward Decay", ICDE 2009, section 3 (exponential
forward decay equals exponential backward decay).
"""

from __future__ import annotations

from recomart.events import EVENT_WEIGHTS, EventType

HALF_LIFE = 360
"""Minutes after which an event counts half: six hours."""

COUNTED: tuple[EventType, ...] = ("view", "add_to_cart", "purchase")
WEIGHTS: dict[str, float] = {kind: float(EVENT_WEIGHTS[kind]) for kind in COUNTED}
"""As the batch layer weighs interactions in `lbl_interactions`."""

DAY_MINUTES = 1_440


def growth(minutes: int) -> float:
    """The factor by which an event that is `minutes` younger counts more; below 1 for older ones."""
    return float(2.0 ** (minutes / HALF_LIFE))


FORWARD = {
    name: [weight * growth(minute) for minute in range(DAY_MINUTES)]
    for name, weight in WEIGHTS.items()
}
"""What an event adds to its day's forward score, by type and minute of the day."""
