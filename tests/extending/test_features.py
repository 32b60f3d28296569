"""Adding a feature as a contributor does, in a copy of the checkout, and counting the files changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from recomart import processes
from recomart.settings import Settings
from tests.extending.checkout import PIECES, Checkout

SQL = "dbt_project/models/features/ftr_users.sql"
YAML = "dbt_project/models/features/_features__models.yml"
DERIVED = "feature_store/derived.py"


@pytest.fixture
def lake(demo_lake: Settings, tmp_path: Path) -> Iterator[Settings]:
    """The demo shop, ingested, built and published, in a lake of the test's own."""
    settings = demo_lake.model_copy(update={"lake": tmp_path / "lake"})
    left_out = shutil.ignore_patterns("redis", "run", "logs", "mlartifacts", "mlflow.db")
    shutil.copytree(demo_lake.lake, settings.lake, symlinks=True, ignore=left_out)
    yield settings
    processes.stop_all(settings)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


def declare_stored_feature(checkout: Checkout) -> None:
    """The YAML entry, after the one of created_at, which ftr_users has first."""
    text = (checkout.root / YAML).read_text()
    start = text.index("  - name: ftr_users\n")
    end = text.find("\n  - name: ", start)
    model = text[start : end + 1] if end > 0 else text[start:]
    entry = (PIECES / "stored_feature.yml").read_text()
    checkout.replace(YAML, model, model.rstrip("\n") + "\n" + entry + "\n" * (end > 0))


def succeeded(checkout: Checkout, settings: Settings, *command: str) -> None:
    done = checkout.recomart(*command, settings=settings)
    assert done.returncode == 0, done.stdout + done.stderr


def features_of_user(checkout: Checkout, settings: Settings, *names: str) -> dict:
    done = checkout.python(str(PIECES / "read_features.py"), *names, settings=settings)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_features_are_added_by_the_files_that_the_design_names(
    checkout: Checkout, lake: Settings
) -> None:
    """A stored feature: the dbt model and its YAML entry. A derived one: a function."""
    checkout.replace(
        SQL, "select * from final", (PIECES / "stored_feature.sql").read_text().strip()
    )
    declare_stored_feature(checkout)
    assert checkout.changed() == {SQL, YAML}
    checkout.append(DERIVED, (PIECES / "derived_feature.txt").read_text())
    assert checkout.changed() == {SQL, YAML, DERIVED}

    succeeded(checkout, lake, "transform")
    succeeded(checkout, lake, "publish")

    stored, derived = "user_views_per_purchase_90d", "user_spend_per_order_90d"
    found = features_of_user(checkout, lake, stored, derived)
    inputs = found["inputs"]
    views_per_purchase = inputs["user_views_90d"] / inputs["user_purchases_90d"]
    for place in ("parquet", "history", "online", "lookup"):
        assert found[stored][place] == pytest.approx(views_per_purchase, abs=1e-6), place
    spend_per_order = inputs["user_spend_90d"] / inputs["user_orders_90d"]
    for place in ("history", "online", "lookup"):
        assert found[derived][place] == pytest.approx(spend_per_order), place
    assert found[derived]["parquet"] is None, "it is computed, not stored"
    assert found[stored]["learned from"]
    assert found[derived]["learned from"]
    assert found[derived]["description"].startswith("Mean value of the user's orders")


@pytest.mark.slow
def test_a_feature_in_the_yaml_that_the_sql_lacks_is_an_error_that_names_both(
    checkout: Checkout, lake: Settings
) -> None:
    declare_stored_feature(checkout)

    done = checkout.recomart("transform", settings=lake)

    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "models/features/ftr_users.sql" in said
    assert "user_views_per_purchase_90d is declared in the YAML, but not in the SQL" in said


@pytest.mark.slow
def test_a_derived_feature_of_a_column_that_no_model_has_is_not_published(
    checkout: Checkout, lake: Settings
) -> None:
    text = (PIECES / "derived_feature.txt").read_text().replace("user_orders_90d", "user_order_90d")
    checkout.append(DERIVED, text)

    done = checkout.recomart("publish", settings=lake)

    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert '"user_spend_per_order_90d" takes "user_order_90d"' in said
    assert "feature_store/derived.py:" in said
    assert "user_orders_90d" in said
