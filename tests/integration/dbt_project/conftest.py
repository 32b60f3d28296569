"""The real dbt, in this process, on scratch warehouses made of hand-made raw tables."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from recomart.settings import PROJECT_ROOT, TELEMETRY_OFF
from tests.oracles.raw_tables import RawShop

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
SHAPING = r'"(?:made_lists|cancellations)": \{.*?\}'
"""What decides in a lake's declaration which models read which."""


@dataclass
class Dbt:
    """dbt with the project parsed once, however many warehouses it builds.

    What a lake declares is the one macro that differs between them, and is put into the manifest.
    Which models read which depends on few of the declarations: it is parsed once for each of these.
    """

    scratch: Path
    _manifests: dict[str, Any] = field(default_factory=dict, repr=False)
    _lakes: int = field(default=0)

    def new_lake(self, raw: RawShop) -> Path:
        """A lake whose warehouse holds these raw tables."""
        self._lakes += 1
        lake = self.scratch / f"lake_{self._lakes}"
        raw.write(lake / "warehouse.duckdb")
        return lake

    def run(self, lake: Path, *command: str) -> dict[str, str]:
        """Run a dbt command on the lake's warehouse, and release the file.

        Returns:
            Status of each node that ran, by its name.
        """
        results = self._results(lake, *command)
        return {result.node.name: str(result.status) for result in results}

    def messages(self, lake: Path, *command: str) -> dict[str, str]:
        """As `run`, with what each node said in place of its status."""
        results = self._results(lake, *command)
        return {result.node.name: str(result.message) for result in results}

    def _results(self, lake: Path, *command: str) -> Any:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        before = dict(os.environ)
        os.environ.update(TELEMETRY_OFF, RECOMART_LAKE=str(lake))
        common = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
        common += ["--target-path", str(self.scratch / "target"), "--log-level", "none"]
        common += ["--log-path", str(self.scratch / "logs")]
        try:
            macro = (lake / "dbt_macros" / "shop_declared.sql").read_text()
            shape = repr(re.findall(SHAPING, macro))
            if shape not in self._manifests:
                parsed = dbtRunner().invoke(["parse", *common])
                assert parsed.success, parsed.exception
                self._manifests[shape] = parsed.result
            manifest = self._manifests[shape]
            declared = manifest.macros["macro.recomart.shop_declared"]
            declared.macro_sql = macro
            outcome = dbtRunner(manifest=manifest).invoke([*command, *common])
            DuckDBConnectionManager.close_all_connections()
        finally:
            os.environ.clear()
            os.environ.update(before)
        assert outcome.exception is None, outcome.exception
        return outcome.result

    def build(self, raw: RawShop, *, tested: bool = True) -> Path:
        """A lake built from these raw tables; every node must succeed."""
        lake = self.new_lake(raw)
        self.rebuild(lake, tested=tested)
        return lake

    def rebuild(self, lake: Path, *, tested: bool = True) -> None:
        left_out = ["--exclude", "resource_type:unit_test"]
        status = self.run(lake, *(["build", *left_out] if tested else ["run"]))
        bad = {name: s for name, s in status.items() if s not in ("success", "pass", "no-op")}
        assert not bad

    def contents(self, lake: Path, *schemas: str) -> dict[str, list[tuple]]:
        """The rows of every table of these schemas, sorted, by the table's name."""
        with closing(duckdb.connect(str(lake / "warehouse.duckdb"), read_only=True)) as connection:
            tables = connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables "
                "where list_contains(?, table_schema)",
                [list(schemas)],
            ).fetchall()
            return {
                name: sorted(connection.execute(f"from {name}").fetchall(), key=repr)
                for (name,) in tables
            }


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    return Dbt(tmp_path_factory.mktemp("dbt"))


Read = Callable[[Path, str], list[tuple]]


@pytest.fixture(scope="session")
def read() -> Read:
    """`read(lake, sql)`: the rows of a query on a lake's warehouse."""

    def rows(lake: Path, sql: str) -> list[tuple]:
        with closing(duckdb.connect(str(lake / "warehouse.duckdb"), read_only=True)) as connection:
            return connection.execute(sql).fetchall()

    return rows
