"""Features of products at an instant, from their counts by minute; many products at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feature_store.realtime.clock import MINUTE
from feature_store.realtime.decay import DAY_MINUTES, HALF_LIFE, WEIGHTS
from feature_store.realtime.features import PLURALS, PRODUCT_WINDOWS
from feature_store.realtime.layout import COUNTED_OF_PRODUCTS, PRODUCT_CODES

KINDS = len(COUNTED_OF_PRODUCTS)
PLACES = {
    f"{minute}:{code}".encode(): minute * KINDS + kind
    for minute in range(DAY_MINUTES)
    for kind, code in enumerate(PRODUCT_CODES.values())
}
"""The place of a field of a product's hash among those of its day: minute and type in one number."""

_WEIGHTS = np.array([WEIGHTS[kind] for kind in COUNTED_OF_PRODUCTS])


@dataclass(frozen=True)
class MinuteCounts:
    """Counts by product, minute and type, sorted by product and minute.

    Args:
        products: how many products there are; some may have no counts.
        owner: (n) the product's position.
        minute: (n) UTC minutes since 1970.
        kind: (n) positions in COUNTED_OF_PRODUCTS.
        count: (n) how many events.
    """

    products: int
    owner: npt.NDArray[np.int64]
    minute: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]


def minute_counts(hashes: Iterable[Iterable[tuple[int, list[bytes]]]]) -> MinuteCounts:
    """Counts out of products' hashes.

    Args:
        hashes: for each product its days, each with the reply of HGETALL: field, value, field ...
    """
    owner: list[int] = []
    place: list[int] = []
    count: list[int] = []
    products = 0
    for days in hashes:
        for day, reply in days:
            first = day * DAY_MINUTES * KINDS
            place += [first + PLACES[name] for name in reply[::2]]
            count += map(int, reply[1::2])
            owner += [products] * (len(reply) // 2)
        products += 1
    owners, places = np.array(owner, dtype=np.int64), np.array(place, dtype=np.int64)
    order = np.lexsort((places, owners))  # a hash has no order, and sums of doubles need one
    minute, kind = np.divmod(places[order], KINDS)
    return MinuteCounts(
        products, owners[order], minute, kind, np.array(count, dtype=np.int64)[order]
    )


@dataclass(frozen=True)
class ProductColumns:
    """Features of n products.

    Args:
        found: (n) whether anything happened to the product in the 24 hours.
        newest: (n) microseconds since 1970 of the newest minute that counts; 0 if not found.
        columns: (n) values of each of PRODUCT_FEATURES, 0 where not found.
    """

    found: npt.NDArray[np.bool_]
    newest: npt.NDArray[np.int64]
    columns: dict[str, np.ndarray]


def product_features(counts: MinuteCounts, as_of: int) -> ProductColumns:
    """All features of PRODUCT_FEATURES at `as_of`, in microseconds.

    In whole UTC minutes: minute m counts in a window of w minutes when M - w < m <= M, M being the
    minute that `as_of` lies in. The score's formula and source are in `decay.py`.
    """
    age = as_of // MINUTE - counts.minute
    columns: dict[str, np.ndarray] = {}
    for kind, name in enumerate(COUNTED_OF_PRODUCTS):
        for window, minutes in PRODUCT_WINDOWS.items():
            here = (counts.kind == kind) & (age >= 0) & (age < minutes)
            columns[f"rt_product_{PLURALS[name]}_{window}"] = _sums(counts, here).astype(np.int64)
    here = (age >= 0) & (age < DAY_MINUTES)
    score = counts.count * _WEIGHTS[counts.kind] * np.exp2(-age / HALF_LIFE)
    columns["rt_product_trending"] = _sums(counts, here, score)
    newest = np.zeros(counts.products, dtype=np.int64)
    np.maximum.at(newest, counts.owner[here], counts.minute[here] * MINUTE)
    return ProductColumns(newest > 0, newest, columns)


def _sums(
    counts: MinuteCounts, here: npt.NDArray[np.bool_], of: np.ndarray | None = None
) -> np.ndarray:
    weights = (counts.count if of is None else of)[here]
    return np.bincount(counts.owner[here], weights=weights, minlength=counts.products)
