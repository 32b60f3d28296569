"""The SQL by which a check judges samples is the SQL that dbt compiles for the same shop."""

from __future__ import annotations

import re

from ingestion.shop_file import load_shop
from onboarding.staging import StagingModels
from orchestration.dbt_folder import target_path
from recomart.settings import Settings
from recomart.shop.entities import ENTITIES


def plain(sql: str) -> str:
    """SQL without the database and schema of its relations, and without its layout."""
    sql = re.sub(r'"\w+"\."raw"\."(\w+)"', r"raw_\1", sql)
    sql = re.sub(r'"\w+"\."staging"\."(\w+)"', r"\1", sql)
    return " ".join(sql.split())


def test_staging_for_samples_is_what_dbt_compiles(demo_lake: Settings) -> None:
    models = StagingModels(load_shop(demo_lake).shop)
    compiled = target_path(demo_lake) / "compiled" / "recomart" / "models" / "staging"
    for entity in ENTITIES:
        by_dbt = (compiled / f"stg_{entity}.sql").read_text(encoding="utf-8")
        assert plain(models.sql(entity)) == plain(by_dbt)
