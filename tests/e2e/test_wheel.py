"""The wheel in a fresh environment: `recomart new`, `recomart pipeline`, and the user's own model."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import duckdb
import pytest

from recomart.project import OWN_MODELS
from recomart.settings import PROJECT_ROOT

UV = PROJECT_ROOT / ".venv" / "bin" / "uv"
README = PROJECT_ROOT / "onboarding" / "project_template" / "dbt_models" / "README.md"
OWN_MODEL = "category_revenue"
SMALL = {
    "RECOMART_SCALE": "0.1",
    "RECOMART_END_DATE": "2026-03-31",
    "RECOMART_STREAM_SECONDS": "0",
}


def run(argv: list[str | Path], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=600, **options)  # type: ignore[call-overload, no-any-return]  # the options are subprocess.run's


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel. Its dependencies are those of the tests' environment."""
    folder = tmp_path_factory.mktemp("wheel")
    python = ["--python", sys.executable]
    for argv in (
        [UV, "build", "--wheel", "--no-build-isolation", *python, "-o", folder, PROJECT_ROOT],
        [UV, "venv", *python, folder / "fresh"],
    ):
        done = run(argv)
        assert done.returncode == 0, done.stderr
    fresh = folder / "fresh"
    site = next(fresh.glob("lib/python3*/site-packages"))
    # a .pth file adds the folder alone: the checkout's own .pth in it, which is its editable
    # install, is not read
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    wheel = next(folder.glob("recomart-*.whl"))
    done = run([UV, "pip", "install", "--no-deps", "--python", fresh / "bin" / "python", wheel])
    assert done.returncode == 0, done.stderr
    return fresh


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """No variable but these two: nothing of the checkout, of its environment or of make."""
    (tmp_path / "home").mkdir()
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home")}


def files(environment: Path) -> dict[str, int]:
    """Every installed file but bytecode, and when it was last written."""
    site = next(environment.glob("lib/python3*/site-packages"))
    return {
        str(path.relative_to(site)): path.stat().st_mtime_ns
        for path in site.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_wheel_without_a_project_says_how_to_create_one(
    installed: Path, bare: dict[str, str], tmp_path: Path
) -> None:
    done = run([installed / "bin" / "recomart", "ingest"], cwd=tmp_path, env=bare)
    assert done.returncode == 2
    assert "this folder has no shop" in done.stderr
    assert "recomart new FOLDER" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@pytest.mark.slow
def test_a_new_project_runs_from_the_wheel_with_own_dbt_models(
    installed: Path, bare: dict[str, str], tmp_path: Path
) -> None:
    before = files(installed)
    recomart = installed / "bin" / "recomart"
    assert run([recomart, "new", "myshop"], cwd=tmp_path, env=bare).returncode == 0
    project = tmp_path / "myshop"
    # the example that the folder's own page shows
    model = re.search(r"^```sql\n(.*?)^```", README.read_text(), re.M | re.S)
    assert model is not None
    own = project / OWN_MODELS / f"{OWN_MODEL}.sql"
    own.write_text(model[1])

    try:
        done = run([recomart, "pipeline"], cwd=project, env=bare | SMALL)
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(re.findall(r"^ *\d+  ", done.stdout, re.M)) == 10
        assert "recomart recommend --user" in done.stdout
        assert "make " not in done.stdout
    finally:
        stopped = run([recomart, "down"], cwd=project, env=bare)
    assert "stopped redis" in stopped.stdout

    warehouse = project / "recomart_lake" / "demo" / "warehouse.duckdb"
    with duckdb.connect(warehouse, read_only=True) as connection:
        revenue = connection.execute(f"select * from marts.{OWN_MODEL}").fetchall()
        expected = connection.execute(
            """
            select category, sum(quantity * unit_price)
            from marts.fct_transactions join marts.dim_products using (product_id)
            group by category
            """
        ).fetchall()
    assert sorted(revenue) == sorted(expected)
    assert len(revenue) > 1
    assert own.read_text() == model[1]
    assert files(installed) == before

    # dbt by hand, from a folder inside the project
    by_hand = run(
        [recomart, "dbt", "ls", "--select", f"+{OWN_MODEL}", "--quiet"],
        cwd=project / OWN_MODELS,
        env=bare,
    )
    assert f"recomart.{OWN_MODEL}" in by_hand.stdout.splitlines()
    assert "recomart.marts.fct_transactions" in by_hand.stdout.splitlines()
    assert files(installed) == before
