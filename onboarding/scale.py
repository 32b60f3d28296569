"""The shop's own constants, guessed from its tables: rating scale, repeats, currency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from onboarding.guess import Guess
from onboarding.times import percent
from onboarding.values import Column

SCALES = ((1, 5), (0.5, 5), (0, 5), (1, 10), (0, 10), (0, 1), (0, 20), (1, 100), (0, 100))
REPEATS = 0.1
"""From this share on, of pairs of user and product bought more than once, repeats are usual."""


def lines(guesses: Sequence[Guess]) -> Iterator[str]:
    """The lines of the shop itself."""
    yield "# The shop's clock: the newest time in its data. For a live shop: now."
    yield "as_of: data_end"
    for guess in guesses:
        if guess.entity == "ratings":
            yield from _scale(guess)
        if guess.entity == "transactions":
            yield from _repeats(guess)
        if guess.entity == "products":
            yield from _currency(guess)


def rating_scale(ratings: Column) -> tuple[float, float]:
    """The usual scale that holds all but the rarest ratings; else their own bounds."""
    n = ratings.numbers
    assert n.usual_low is not None, "ratings are numbers"
    assert n.usual_high is not None, "ratings are numbers"
    for low, high in SCALES:
        if low <= n.usual_low and n.usual_high <= high:
            return low, high
    return n.usual_low, n.usual_high


def _scale(guess: Guess) -> Iterator[str]:
    choice = guess.choices.get("rating")
    if choice is None or choice.column is None:
        return
    ratings = guess.table.columns[choice.column]
    low, high = rating_scale(ratings)
    n = ratings.numbers
    yield f"# {guess.table.shown} has ratings from {n.low:g} to {n.high:g}."
    if (n.low, n.high) != (None, None) and not (low <= (n.low or 0) and (n.high or 0) <= high):
        yield f"# UNSURE: all but the rarest lie in {low:g} to {high:g}; those outside go to quarantine."
    yield f"rating_scale: [{low:g}, {high:g}]"
    yield "# From here on a user liked it."
    yield f"relevant_rating: {round(2 * (low + 0.75 * (high - low))) / 2:g}"


def _repeats(guess: Guess) -> Iterator[str]:
    pairs = [guess.choices.get(ours) for ours in ("user_id", "product_id")]
    names = [choice.column for choice in pairs if choice and choice.column]
    if len(names) < 2 or not guess.table.records.num_rows:
        return
    pairs_of = pa.table({str(i): guess.table.records.column(n) for i, n in enumerate(names)})
    counts = pairs_of.group_by(["0", "1"]).aggregate([([], "count_all")]).column("count_all")
    share = pc.mean(pc.cast(pc.greater(counts, 1), pa.int8())).as_py() or 0.0
    yield f"# {percent(share)} of the pairs of user and product come more than once."
    yield f"repeat_purchases: {str(share >= REPEATS).lower()}"


def _currency(guess: Guess) -> Iterator[str]:
    choice = guess.choices.get("currency")
    if choice and choice.column and len(guess.table.columns[choice.column].distinct) == 1:
        yield f"currency: {next(iter(guess.table.columns[choice.column].distinct))}"
