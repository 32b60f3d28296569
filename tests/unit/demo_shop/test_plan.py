from datetime import date

import pytest
import time_machine

from demo_shop.plan import DAYS, EXPORT_HOURS, Plan, make_plan
from recomart.errors import ConfigurationError
from recomart.settings import Settings, load_settings


@time_machine.travel("2026-03-31T15:00:00Z")
def test_history_ends_today_unless_told_otherwise(settings: Settings) -> None:
    assert make_plan(settings).end_date == date(2026, 3, 31)
    assert make_plan(settings, end_date="2025-12-24").end_date == date(2025, 12, 24)


@time_machine.travel("2026-03-31T01:59:00Z")
def test_no_event_lies_in_the_future_of_who_generates_at_night(settings: Settings) -> None:
    # today's export is made at 02:00, so the newest one is yesterday's
    assert make_plan(settings).end_date == date(2026, 3, 30)


def test_settings_give_what_arguments_leave_out() -> None:
    settings = load_settings(shop="demo", scale=0.5, seed=3, end_date="2026-01-31")
    assert make_plan(settings) == Plan(0.5, 3, date(2026, 1, 31))
    assert make_plan(settings, scale=2, seed=4) == Plan(2.0, 4, date(2026, 1, 31))


def test_error_of_an_end_date_that_is_none_names_what_to_set(settings: Settings) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_plan(settings, end_date="31.03.2026")
    assert caught.value.found == "'31.03.2026'"
    assert "RECOMART_END_DATE" in str(caught.value)


def test_scale_must_be_above_zero(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="above 0"):
        make_plan(settings, scale=0)


def test_matrix_of_users_and_products_grows_as_events_do() -> None:
    one, hundred = (Plan(scale, 7, date(2026, 3, 31)) for scale in (1, 100))
    assert (one.users, one.products, one.events) == (1000, 500, 100_000)
    assert hundred.events == 100 * one.events
    growth = hundred.users * hundred.products / (one.users * one.products)
    assert growth == pytest.approx(100, rel=0.01)


def test_last_day_is_the_end_date_and_has_the_hours_before_the_export() -> None:
    plan = Plan(1, 7, date(2026, 3, 31))
    assert plan.date_of(DAYS - 1) == plan.end_date
    assert [plan.hours_of(0), plan.hours_of(DAYS - 1)] == [24, EXPORT_HOURS]


def test_each_purpose_has_random_numbers_of_its_own() -> None:
    plan = Plan(1, 7, date(2026, 3, 31))
    draws = [plan.random(*purpose).random() for purpose in (("a",), ("b",), ("a", 1))]
    assert len(set(draws)) == 3
    assert plan.random("a").random() == draws[0]
