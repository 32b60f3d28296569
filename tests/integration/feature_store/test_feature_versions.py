"""docs/feature-versions.md, done once: a second version of ftr_users beside the first."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from feature_store.online.lookup import OnlineFeatures, Status
from feature_store.publish.publisher import publish
from feature_store.stores import open_store
from orchestration import dbt_folder
from orchestration import transform as dbt
from recomart import processes
from recomart.errors import NothingPublished
from recomart.settings import PROJECT_ROOT, Settings

DOCS = PROJECT_ROOT / "docs" / "feature-versions.md"
V1, V2 = "recommendation_v1", "recommendation_v2"


def documented(language: str, place: int = 0) -> str:
    """A block of code in the page."""
    blocks = DOCS.read_text(encoding="utf-8").split(f"```{language}\n")[1:]
    return blocks[place].split("```")[0]


def write_versions(project: Path, versions: dict) -> None:
    """Put what the page says into the YAML of ftr_users, and v2 among the others' services."""
    file = project / "models" / "features" / "_features__models.yml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    for model in content["models"]:
        if model["name"] == "ftr_users":
            model.update(versions)
        elif "feast" in model["config"]["meta"]:
            model["config"]["meta"]["feast"]["services"] = [V1, V2]
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


@pytest.fixture
def shop(
    demo_lake: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Settings, Path]]:
    """A built shop, and a copy of the dbt project that its next build is of."""
    settings = demo_lake.model_copy(update={"lake": tmp_path / "lake"})
    shutil.copytree(
        demo_lake.lake,
        settings.lake,
        symlinks=True,
        ignore=shutil.ignore_patterns(
            "redis", "run", "logs", "reports", "mlartifacts", "mlflow.db"
        ),
    )
    project = tmp_path / "dbt_project"
    shutil.copytree(
        PROJECT_ROOT / "dbt_project", project, ignore=shutil.ignore_patterns("target", "logs")
    )
    for module in (dbt, dbt_folder):
        monkeypatch.setattr(module, "DBT_PROJECT", project)
    yield settings, project
    processes.stop_all(settings)


@pytest.mark.slow
def test_a_second_version_is_served_beside_the_first_which_then_retires(shop) -> None:
    settings, project = shop
    publish(settings)
    lookup = OnlineFeatures(settings, deadline=30)
    user = lookup_user(settings)
    before = lookup.serving_frame(user, ["p1"], ["unknown"])

    write_versions(project, yaml.safe_load(documented("yaml")))
    folder = project / "models" / "features"
    (folder / "ftr_users_v2.sql").write_text(documented("sql"), encoding="utf-8")
    dbt.transform(settings)
    publish(settings)

    # the first goes on as it was, the second has its new feature, in serving and in history
    pd.testing.assert_frame_equal(lookup.serving_frame(user, ["p1"], ["unknown"]), before)
    second = lookup.serving_frame(user, ["p1"], ["unknown"], service=V2)
    assert set(second.columns) - set(before.columns) == {"user_views_per_purchase_90d"}
    assert second["user_views_90d"].tolist() == before["user_views_90d"].tolist()
    store = open_store(settings)
    asked = pd.DataFrame(
        {
            "user_id": [user],
            "product_id": ["p1"],
            "category": ["unknown"],
            "event_timestamp": [lookup.publication().as_of],
            "as_of": [lookup.publication().as_of],
        }
    )
    learned = {
        service: store.get_historical_features(
            entity_df=asked, features=store.get_feature_service(service)
        ).to_df()
        for service in (V1, V2)
    }
    for service, served in ((V1, before), (V2, second)):
        for name in ("user_views_90d", "user_tenure_days", "user_views_per_purchase_90d"):
            if name in served:
                assert learned[service][name].tolist() == pytest.approx(
                    served[name].tolist(), nan_ok=True
                )
    assert store.get_feature_view("ftr_users_v2").tags["version"] == "2"
    online = store.get_online_features(
        features=store.get_feature_service(V2),
        entity_rows=[asked.drop(columns="event_timestamp").iloc[0].to_dict()],
    ).to_dict()
    assert online["user_views_90d"] == second["user_views_90d"].tolist()

    retire(project)
    dbt.transform(settings)
    publish(settings)

    pd.testing.assert_frame_equal(
        lookup.serving_frame(user, ["p1"], ["unknown"], service=V2), second
    )
    with pytest.raises(NothingPublished, match=V1):
        lookup.serving_frame(user, ["p1"], ["unknown"])
    values = {value.view: value.status for value in lookup.user(user)}
    assert "ftr_users" not in values
    assert values["ftr_users_v2"] in (Status.PRESENT, Status.NULL)


def lookup_user(settings: Settings) -> str:
    """A user that is served."""
    users = pd.read_parquet(settings.current_features / "ftr_users.parquet", columns=["user_id"])
    return str(users["user_id"].iloc[0])


def retire(project: Path) -> None:
    """Take the first version out of what is published."""
    file = project / "models" / "features" / "_features__models.yml"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    page = yaml.safe_load(documented("yaml", 1))
    for model in content["models"]:
        if model["name"] == "ftr_users":
            model["latest_version"] = page["latest_version"]
            model["versions"][0] = page["versions"][0]
        elif "feast" in model["config"]["meta"]:
            model["config"]["meta"]["feast"]["services"] = [V2]
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
