"""dbt by hand: without a lake it parses and compiles, and with one it has the shop's own rules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from recomart.settings import PROJECT_ROOT, TELEMETRY_OFF
from tests.oracles.raw_tables import RawShop

RATINGS = [
    {"user_id": f"u{stars}", "product_id": "p", "rating": stars, "rated_at": "2024-03-01T10:00:00Z"}
    for stars in range(1, 6)
]


def _dbt(lake: Path, target: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("RECOMART_")}
    return subprocess.run(
        [Path(sys.executable).with_name("dbt"), *arguments, "--target-path", target, "--log-path", target],
        cwd=PROJECT_ROOT / "dbt_project",
        env=bare | TELEMETRY_OFF | {"RECOMART_LAKE": str(lake)},
        capture_output=True,
        text=True,
        timeout=300,
    )  # fmt: skip


def test_without_a_lake_dbt_parses_and_compiles_and_makes_none(tmp_path: Path) -> None:
    lake = tmp_path / "no lake"
    done = _dbt(lake, tmp_path / "target", "compile")  # which parses first
    assert done.returncode == 0, done.stdout
    assert not lake.exists()
    compiled = tmp_path / "target/compiled/recomart/models/staging/stg_users.sql"
    assert "try_cast(birth_year as integer) end as birth_year" in compiled.read_text()
    assert "extract(year from staged._loaded_at)" in compiled.read_text()


def test_dbt_by_hand_has_the_rules_of_the_lakes_shop(dbt, read, tmp_path: Path) -> None:
    rules = {"ratings": {"columns": {"rating": {"range": [2, 3]}}}}
    lake = dbt.new_lake(RawShop({"ratings": RATINGS}, rules=rules))
    done = _dbt(lake, tmp_path, "run", "--select", "+quarantine_ratings")
    assert done.returncode == 0, done.stdout
    quarantined = "select user_id, reject_reasons from quality.quarantine_ratings order by 1"
    assert read(lake, quarantined) == [(user, "out_of_range_rating") for user in ("u1", "u4", "u5")]
