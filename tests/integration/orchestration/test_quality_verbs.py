"""What the verbs of quality print, on the demo shop's lake; it is read and not changed."""

import hashlib

import duckdb
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.transform import _stopped
from recomart.settings import Settings
from recomart.warehouse import warehouse


@pytest.fixture
def says(demo_lake: Settings, monkeypatch: pytest.MonkeyPatch):
    """`says(*argv)`: what a verb prints for the demo lake."""
    for name, value in demo_lake.environment().items():
        monkeypatch.setenv(name, value)

    def run(*argv: str) -> str:
        result = CliRunner().invoke(app, list(argv))
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_quarantine_counts_every_row_under_each_of_its_reasons(says, demo_lake: Settings) -> None:
    with warehouse(demo_lake, read_only=True) as connection:
        count = connection.execute(
            "select count(*) from quality.quarantine_events"
            " where list_contains(string_split(reject_reasons, ','), 'unknown_event_type')"
        ).fetchone()[0]
    lines = [line.split() for line in says("quarantine").splitlines()]
    assert ["events", "unknown_event_type", f"{count:,}"] in [line[:3] for line in lines]


def test_a_quarantined_row_is_shown_as_received_with_its_place(says) -> None:
    text = says("quarantine", "events", "--reason", "unknown_event_type", "--limit", "1")
    place, values = text.splitlines()
    assert place.startswith("source_data/events/")
    assert "unknown_event_type" in place
    assert "event_type=hover" in values


def test_rejected_lines_are_listed_by_their_own_word(says) -> None:
    assert "fields, expected" in says("quarantine", "lines", "--limit", "500")


def test_lineage_of_the_champion_ends_in_the_sha256_of_a_landed_file(
    says, demo_lake: Settings
) -> None:
    landed = next((demo_lake.raw / "api" / "products").rglob("*.pages"))
    digest = hashlib.sha256(landed.read_bytes()).hexdigest()
    text = says("lineage", "champion")
    assert digest in text
    assert "model versions" in says("lineage", digest[:12])


def test_history_marks_the_snapshot_in_use(says, demo_lake: Settings) -> None:
    current = demo_lake.current_features.resolve().name
    assert f"▸  {current}" in says("features", "history")


def test_what_was_published_to_redis_is_listed_view_by_view(says, demo_lake: Settings) -> None:
    current = demo_lake.current_features.resolve().name
    lines = says("features", "published").splitlines()
    (users, *_) = (line.split() for line in lines if " ftr_users " in line)
    assert users[3] == current
    assert "(all)" in users, "the first publish writes every entity"


def test_a_stop_names_the_rule_its_share_and_its_limit(settings: Settings) -> None:
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "create schema quality; create table quality.dq_stops as select"
            " 'ratings.rating.range' as rule_id, 'ratings' as entity, 0.125 as share,"
            " 0.1 as stop_above, 'A rating lies between 1 and 5.' as words"
        )
    error = _stopped(settings)
    assert error.code == "stopped-by-rule"
    assert error.found == (
        "ratings.rating.range: A rating lies between 1 and 5. (12.5%; the shop allows 10.0%)"
    )
    assert str(settings.shop_file) in error.where
