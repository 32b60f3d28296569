"""Adding a step takes one entry in steps.py: its verb, Make target and Dagster node follow."""

import re
from pathlib import Path

import pytest

from recomart.settings import Settings
from tests.extending.checkout import PIECES, Checkout

IN_DAGSTER = """
from orchestration.dagster_assets import definitions
from recomart.settings import load_settings
graph = definitions(load_settings()).resolve_asset_graph()
for key in graph.get_all_asset_keys():
    if key.path == ["steps", "popular"]:
        print(sorted(parent.to_user_string() for parent in graph.get(key).parent_keys))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path / "recomart")
    made.make_venv()
    made.add("orchestration/popular.py", "step.py")
    work, entry = ((PIECES / f"step_{name}.txt").read_text() for name in ("work", "entry"))
    made.insert("orchestration/steps.py", work, before="STEPS: tuple[Step, ...] = (")
    made.insert("orchestration/steps.py", entry, before=")\n\n\ndef by_name(")
    return made


@pytest.mark.slow
def test_a_step_is_one_entry(checkout: Checkout, demo_lake: Settings) -> None:
    environment = {**demo_lake.environment(), "RECOMART_STREAM_SECONDS": "0"}
    assert checkout.changed() == {"orchestration/steps.py", "orchestration/popular.py"}

    help = checkout.run("make", **environment).stdout
    assert "make popular     Write the most popular products as a CSV file\n" in help
    assert "Write at most N products" in checkout.recomart("popular", "--help").stdout
    unknown = checkout.run("make", "populer", **environment)
    assert unknown.returncode != 0
    assert 'did you mean "popular"?' in unknown.stderr
    written = demo_lake.lake / "popular.csv"
    try:
        pipeline = checkout.recomart("pipeline", "--from", "popular", **environment)
        assert pipeline.returncode == 0, pipeline.stdout + pipeline.stderr
        assert re.search(r"✔ popular +10 products", pipeline.stdout), pipeline.stdout
        alone = checkout.recomart("popular", "--limit", "3", **environment)
        assert alone.returncode == 0, alone.stdout + alone.stderr
        assert len(written.read_text().splitlines()) == 1 + 3
        again = checkout.run("make", "popular", **environment)
        assert re.search(r"✔ popular +10 products", again.stdout), again.stdout
        node = checkout.python("-c", IN_DAGSTER, **environment)
        assert "published/fct_user_products" in node.stdout, node.stderr
    finally:
        written.unlink(missing_ok=True)
