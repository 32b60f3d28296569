"""State as one JSON text per entity: the stored feature of `rt_users` and `rt_products` in Feast.

Redis does not store these texts: the online store makes them from the native state when it is read,
and the on-demand view computes features from them for the `as_of` of its request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from feature_store.online.layout import Scalar
from feature_store.realtime.clock import micros_of
from feature_store.realtime.features import PRODUCT_FEATURES, PRODUCTS, STATE, USER_FEATURES, USERS
from feature_store.realtime.layout import StateEvent
from feature_store.realtime.product_windows import MinuteCounts, product_features
from feature_store.realtime.reading import is_answerable
from feature_store.realtime.user_windows import Listing, UserState, user_features

REQUEST_COLUMN = "as_of"


def user_document(state: UserState, read_at: int) -> str:
    """A user's state and the microsecond at which it was read."""
    return json.dumps(
        {"read_at": read_at, "events": state.events, "catalogue": state.catalogue},
        ensure_ascii=False,
    )


def product_documents(counts: MinuteCounts, read_at: int) -> list[str | None]:
    """The state of each product, None for one without."""
    made: list[str | None] = [None] * counts.products
    bounds = np.searchsorted(counts.owner, np.arange(counts.products + 1))
    columns = [c.tolist() for c in (counts.minute, counts.kind, counts.count)]
    for product, (start, end) in enumerate(pairwise(bounds.tolist())):
        if start < end:
            listed = list(zip(*(column[start:end] for column in columns), strict=True))
            made[product] = json.dumps({"read_at": read_at, "counts": listed})
    return made


def derive(inputs: Mapping[str, Sequence[Any]]) -> dict[str, list[Scalar]]:
    """All real-time features of rows with a user's and a product's state and `as_of`.

    Args:
        inputs: (n) states as texts or None, and instants: datetimes (naive is UTC) or seconds.

    Returns:
        (n) values by feature. None where nothing happened in 24 hours, or where `as_of` lies so
        far back that state of its 24 hours had expired when it was read.
    """
    instants = [_micros(value) for value in inputs[REQUEST_COLUMN]]
    users, products = inputs[STATE[USERS]], inputs[STATE[PRODUCTS]]
    found: dict[str, list[Scalar]] = {}
    of_users = [_of_user(text, at) for text, at in zip(users, instants, strict=True)]
    of_products = [_of_product(text, at) for text, at in zip(products, instants, strict=True)]
    for feature in USER_FEATURES:
        found[feature.name] = [row.get(feature.name) for row in of_users]
    for feature in PRODUCT_FEATURES:
        found[feature.name] = [row.get(feature.name) for row in of_products]
    return found


@lru_cache(maxsize=64)  # the rows of one user and many products have one state of the user
def _of_user(text: str | None, as_of: int) -> Mapping[str, Scalar]:
    content = _content(text, as_of)
    if content is None:
        return {}
    events = [StateEvent(*event) for event in content["events"]]
    catalogue = {product: Listing(*listing) for product, listing in content["catalogue"].items()}
    return user_features(UserState(events, catalogue), as_of)


def _of_product(text: str | None, as_of: int) -> Mapping[str, Scalar]:
    content = _content(text, as_of)
    if content is None:
        return {}
    minute, kind, count = np.array(content["counts"], dtype=np.int64).T
    counts = MinuteCounts(1, np.zeros(len(minute), dtype=np.int64), minute, kind, count)
    of_product = product_features(counts, as_of)
    if not of_product.found[0]:
        return {}
    return {name: column[0].item() for name, column in of_product.columns.items()}


def _content(text: str | None, as_of: int) -> Any:
    if not text:
        return None
    content = json.loads(text)
    return content if is_answerable(as_of, content["read_at"]) else None


def _micros(instant: Any) -> int:
    if isinstance(instant, datetime):
        return micros_of(instant)
    return micros_of(datetime.fromtimestamp(instant, UTC))
