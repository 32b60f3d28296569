"""What tuning found, on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from recomart.errors import NotReady
from recomart.settings import Settings
from training.recommend import SessionEvent, parse_session
from training.tuned import Try, add_try, best_parameters, read_tries, tries_file


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(lake=tmp_path / "lake", shop="demo")


def test_the_best_try_of_each_kind_on_the_newest_snapshot_counts(settings: Settings) -> None:
    for one in (
        Try("ease", {"regularisation": 100.0}, 0.9, "old", 1.0),
        Try("ease", {"regularisation": 300.0}, 0.2, "new", 1.0),
        Try("ease", {"regularisation": 500.0}, 0.3, "new", 1.0),
        Try("ease", {"regularisation": 900.0}, 0.3, "new", 1.0),
        Try("als", {"factors": 8}, None, "new", 1.0),
    ):
        add_try(settings, one)
    assert best_parameters(settings) == {"ease": {"regularisation": 500.0}}
    assert len(read_tries(settings)) == 5


def test_without_tuning_there_is_nothing_to_use(settings: Settings) -> None:
    assert best_parameters(settings) == {}


def test_a_try_that_a_killed_run_cut_off_is_left_out_and_the_next_one_is_whole(
    settings: Settings,
) -> None:
    add_try(settings, Try("ease", {"regularisation": 300.0}, 0.2, "a", 1.0))
    path = tries_file(settings)
    path.write_text(path.read_text() + '{"kind": "ea')
    assert [one.ndcg for one in read_tries(settings)] == [0.2]
    add_try(settings, Try("ease", {"regularisation": 500.0}, 0.4, "a", 1.0))
    assert [one.ndcg for one in read_tries(settings)] == [0.2, 0.4]


def test_a_line_that_is_not_a_try_is_an_error_that_names_it(settings: Settings) -> None:
    add_try(settings, Try("ease", {"regularisation": 300.0}, 0.2, "a", 1.0))
    path = tries_file(settings)
    path.write_text(path.read_text() + "{}\n")
    with pytest.raises(NotReady, match="line 2 is not a try") as caught:
        read_tries(settings)
    assert str(caught.value.where) == f"{path}:2"


def test_a_session_is_read_with_ids_that_hold_colons() -> None:
    assert parse_session("p4:view, sku:17:add_to_cart,a:b,c") == (
        SessionEvent("p4", "view"),
        SessionEvent("sku:17", "add_to_cart"),
        SessionEvent("a:b", "view"),
        SessionEvent("c", "view"),
    )
    assert parse_session("") == ()
