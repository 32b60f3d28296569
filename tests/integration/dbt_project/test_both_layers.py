"""One meaning for both layers: what dbt accepts into fct_events, and what the state counts."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from feature_store.online.redis import connect
from feature_store.online.resp import run_query
from feature_store.realtime.features import PRODUCTS, USERS
from feature_store.realtime.lookup import realtime_rows
from recomart.settings import Settings
from streaming.state import RealtimeState
from tests.oracles.random_events import random_events
from tests.oracles.raw_tables import RawShop

OF_USERS = """
    select
        user_id,
        count(*) filter (
            where event_type = 'view' and occurred_at > timestamp '{as_of}' - interval 5 minute
        ) as views_5m,
        count(*) filter (
            where
                event_type = 'add_to_cart'
                and occurred_at > timestamp '{as_of}' - interval 30 minute
        ) as carts_30m,
        count(*) filter (where event_type = 'purchase') as purchases_24h
    from marts.fct_events
    where
        received_at - occurred_at <= interval 24 hour
        and occurred_at > timestamp '{as_of}' - interval 24 hour
        and occurred_at <= timestamp '{as_of}'
    group by user_id
    order by user_id
"""
OF_PRODUCTS = """
    with minutes as (
        select
            *,
            date_diff('minute', occurred_at, timestamp '{as_of}') as age
        from marts.fct_events
        where received_at - occurred_at <= interval 24 hour
    )

    select
        product_id,
        count(*) filter (where event_type = 'view' and age < 60) as views_1h,
        count(*) filter (where event_type = 'purchase') as purchases_24h
    from minutes
    where
        age between 0 and 1439
        and event_type in ('view', 'add_to_cart', 'purchase')
        and product_id is not null
    group by product_id
    order by product_id
"""

REJECTED = "select reject_reasons, count(*) from quality.quarantine_events group by all"


@pytest.mark.slow
def test_accepted_events_and_state_give_the_same_counts(dbt, read, settings: Settings) -> None:
    """Of deliveries with repeats, late ones and wrong clocks, in any order. The batch layer has the
    late ones too; nothing else is left out by hand: dbt takes repeats and wrong clocks away."""
    now = datetime.now(UTC)
    dice = random.Random(19)
    events = random_events(now, 3_000, seed=23)
    stream = [*events, *dice.choices(events, k=200)]
    dice.shuffle(stream)
    rows = [
        {
            "event_id": one.event.event_id,
            "event_type": one.event.event_type,
            "user_id": one.event.user_id,
            "session_id": one.event.session_id,
            "product_id": one.event.product_id,
            "occurred_at": one.event.occurred_at.isoformat(),
            "received_at": one.received_at.isoformat(),
        }
        for one in stream
    ]
    raw = RawShop(
        {"events": rows},
        declared={"unknown_references": "keep"},
        loaded_at=now.replace(tzinfo=None),
    )
    lake = dbt.new_lake(raw)
    dbt.run(lake, "run", "--select", "+fct_events")
    client = connect(settings)
    added = RealtimeState(client, settings).add(stream)
    assert min(added.late, added.ahead, added.duplicates) > 5

    # also an instant ahead, at which all that is dated within five minutes counts
    for as_of in (now, now - timedelta(minutes=50), now + timedelta(minutes=5)):
        at = as_of.strftime("%Y-%m-%d %H:%M:%S.%f")
        of_users = read(lake, OF_USERS.format(as_of=at))
        of_products = read(lake, OF_PRODUCTS.format(as_of=at))
        users, products = [row[0] for row in of_users], [row[0] for row in of_products]
        assert len(users) == 40, read(lake, REJECTED)
        assert len(products) > 200
        query = realtime_rows(settings.feast_project, users, products, as_of)
        found = run_query(client, query)
        for view, expected, names in (
            (USERS, of_users, ("rt_user_views_5m", "rt_user_carts_30m", "rt_user_purchases_24h")),
            (PRODUCTS, of_products, ("rt_product_views_1h", "rt_product_purchases_24h")),
        ):
            columns = [found[view].columns[name] for name in names]
            assert list(zip(*columns, strict=True)) == [row[1:] for row in expected]
