"""The code in docs/feature-store.md and docs/real-time-features.md, run as it stands."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from feature_store.online.lookup import Status
from feature_store.online.redis import redis_url
from recomart.settings import PROJECT_ROOT, Settings

PAGE = PROJECT_ROOT / "docs" / "feature-store.md"
REALTIME_PAGE = PROJECT_ROOT / "docs" / "real-time-features.md"
EXPECTED = [Status.PRESENT, Status.PRESENT, Status.NOT_FOUND]


def run(place: int, page: Path = PAGE) -> dict[str, Any]:
    """What a block of the page leaves behind."""
    blocks = page.read_text(encoding="utf-8").split("```python\n")[1:]
    names: dict[str, Any] = {}
    exec(blocks[place].split("```")[0], names)
    return names


@pytest.fixture(autouse=True)
def in_the_published_lake(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOMART_LAKE", str(published.lake))
    monkeypatch.setenv("RECOMART_SHOP", published.shop)
    monkeypatch.setenv("RECOMART_REDIS_URL", redis_url(published))


def test_the_lookup_tells_values_statuses_and_ages() -> None:
    names = run(0)

    assert names["statuses"] == EXPECTED
    assert [value is None for value in names["views"]] == [False, False, True]
    assert (names["ages"][:2] > 0).all()


def test_the_lookup_on_asyncio_tells_the_same() -> None:
    assert asyncio.run(run(1)["answer"]()) == EXPECTED


def test_real_time_features_are_read_through_feast_and_our_lookup() -> None:
    code, found = (run(place, REALTIME_PAGE) for place in (0, 1))

    assert code["store"].project == found["lookup"].publication().project
    assert list(found["rows"]) == ["ftr_users", "ftr_products", "rt_users", "rt_products"]
    # no speed layer has run: nothing is known, and that is no error
    assert found["rows"]["rt_products"].statuses("rt_product_trending") == [Status.NOT_FOUND] * 2
