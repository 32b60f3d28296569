"""Windows, sessions and carts by hand; the rest is held against an oracle, over Redis."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from feature_store.realtime.clock import (
    DAY,
    HORIZON,
    HOUR,
    MINUTE,
    SECOND,
    day_name,
    days_of,
    instant_of,
    micros_of,
)
from feature_store.realtime.decay import FORWARD, growth
from feature_store.realtime.layout import StateEvent, decode_event, encode_event
from feature_store.realtime.product_windows import minute_counts, product_features
from feature_store.realtime.reading import is_answerable, live_days
from feature_store.realtime.user_windows import (
    Listing,
    UserState,
    cart,
    current_session,
    user_features,
)

MIDNIGHT = micros_of(datetime(2026, 3, 2, tzinfo=UTC))
TODAY = MIDNIGHT // DAY


def event(
    micros: int, kind: str = "view", product: str | None = "p", session: str | None = None
) -> StateEvent:
    return StateEvent(micros, f"e{micros}", kind, product, session)


def test_an_event_at_as_of_counts_and_one_just_a_window_ago_does_not() -> None:
    as_of = MIDNIGHT + 12 * HOUR
    events = [event(as_of - 5 * MINUTE), event(as_of - 5 * MINUTE + 1), event(as_of)]

    found = user_features(UserState(events), as_of)
    assert found["rt_user_views_5m"] == 2
    assert found["rt_user_views_30m"] == 3
    assert user_features(UserState([*events, event(as_of + 1)]), as_of) == found


def test_nothing_within_the_horizon_is_nothing() -> None:
    assert user_features(UserState([event(MIDNIGHT - HORIZON)]), MIDNIGHT) == {}


def test_without_a_session_id_a_gap_of_more_than_half_an_hour_ends_a_session() -> None:
    start = event(MIDNIGHT)
    near = event(MIDNIGHT + 30 * MINUTE)
    far = event(near.micros + 30 * MINUTE + 1)
    named = event(far.micros - MINUTE, session="s")

    assert current_session([start, near]) == [start, near]
    assert current_session([start, near, named, far]) == [far]


def test_a_cart_is_what_went_in_less_what_was_taken_out_or_bought() -> None:
    steps = ["add_to_cart", "add_to_cart", "remove_from_cart", "view"]
    session = [event(n, kind) for n, kind in enumerate(steps)]
    session += [event(9, "purchase", "q"), event(10, "add_to_cart", "r", None)]

    assert cart(session) == {"p": 1, "r": 1}
    prices = {"p": Listing(0.1, None), "r": Listing(0.2, None)}
    found = user_features(UserState(session, prices), 20)
    assert found["rt_user_cart_value"] == 0.3


def test_a_products_minutes_count_whole_and_its_score_halves_in_six_hours() -> None:
    """Two views at 06:00, a cart at 11:59 and one at 12:01, a purchase at 12:00 the day before."""
    today = (TODAY, [b"360:v", b"2", b"719:c", b"1", b"721:c", b"7"])
    yesterday = (TODAY - 1, [b"720:p", b"1"])
    counts = minute_counts([[yesterday, today], [], [yesterday]])

    found = product_features(counts, MIDNIGHT + 12 * HOUR + 59 * SECOND)
    assert found.columns["rt_product_views_24h"].tolist() == [2, 0, 0]
    assert found.columns["rt_product_carts_1h"].tolist() == [1, 0, 0]
    assert found.columns["rt_product_purchases_24h"].tolist() == [0, 0, 0]
    score = 2 * 0.5 + 3 * 2 ** (-1 / 360)
    assert found.columns["rt_product_trending"] == pytest.approx([score, 0, 0], rel=1e-12)
    assert found.found.tolist() == [True, False, False]

    a_minute_before = product_features(counts, MIDNIGHT + 12 * HOUR - 1)
    assert a_minute_before.columns["rt_product_purchases_24h"].tolist() == [1, 0, 1]


def test_a_forward_score_brought_to_an_instant_is_the_decayed_one() -> None:
    """3 at 10:00, seen at 16:00 of the same day: half of it is left."""
    forward = FORWARD["add_to_cart"][600]
    assert forward * growth(-960) == pytest.approx(1.5, rel=1e-12)
    assert np.isfinite(FORWARD["purchase"][-1])


def test_days_of_an_instant_are_those_of_its_24_hours() -> None:
    assert days_of(MIDNIGHT) == range(TODAY - 1, TODAY + 1)
    assert days_of(MIDNIGHT - 1) == range(TODAY - 1, TODAY)
    assert days_of(MIDNIGHT + HOUR) == range(TODAY - 1, TODAY + 1)
    assert day_name(TODAY) == "20260302"


def test_yesterday_can_be_asked_about_until_one_in_the_morning() -> None:
    noon = MIDNIGHT - 12 * HOUR
    assert is_answerable(noon, MIDNIGHT + HOUR - SECOND)
    assert not is_answerable(noon, MIDNIGHT + HOUR)
    assert is_answerable(MIDNIGHT, MIDNIGHT + DAY + HOUR - SECOND)
    assert live_days(MIDNIGHT + HOUR - SECOND) == range(TODAY - 2, TODAY + 1)
    assert live_days(MIDNIGHT + HOUR) == range(TODAY - 1, TODAY + 1)
    assert live_days(MIDNIGHT - MINUTE) == range(TODAY - 2, TODAY + 1)


def test_an_event_survives_its_way_through_redis() -> None:
    value = encode_event(MIDNIGHT, "remove_from_cart", 'p "ü" \x1f', None)

    assert value.startswith(f'[{MIDNIGHT},"r",')
    assert decode_event(b"e", value.encode()) == StateEvent(
        MIDNIGHT, "e", "remove_from_cart", 'p "ü" \x1f', None
    )


def test_times_to_the_microsecond_and_back() -> None:
    instant = datetime(2026, 3, 2, 1, 2, 3, 456_789, tzinfo=UTC)
    assert instant_of(micros_of(instant)) == instant
    assert micros_of(instant.replace(tzinfo=None)) == micros_of(instant)
