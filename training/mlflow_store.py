"""MLflow's store in the lake: opened for a while, and as it was before afterwards."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from recomart.settings import TELEMETRY_OFF, Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "recomart"


@contextmanager
def open_mlflow(settings: Settings) -> Iterator[tuple[Any, MlflowClient]]:
    """MLflow, pointed at the lake's store while inside, with its messages in the log."""
    for name, value in {**TELEMETRY_OFF, "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}.items():
        os.environ.setdefault(name, value)
    import mlflow

    for name in ("mlflow", "alembic"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # MLflow keeps both addresses in the environment too, where child processes would find them
    names = "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"
    before = [os.environ.get(name) for name in names]
    mlflow.set_tracking_uri(settings.mlflow_uri)
    mlflow.set_registry_uri(settings.mlflow_uri)
    try:
        with _environment(settings):
            yield mlflow, mlflow.MlflowClient()
    finally:
        mlflow.set_tracking_uri(before[0])  # type: ignore[arg-type]  # None unsets it
        mlflow.set_registry_uri(before[1])  # type: ignore[arg-type]  # likewise
        if before[1] is None:
            os.environ.pop(names[1], None)


def experiment_id(client: MlflowClient, settings: Settings) -> str:
    """The id of our experiment in the lake's store; it is made when there is none."""
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return found.experiment_id
    settings.mlflow_artifacts.mkdir(parents=True, exist_ok=True)
    return client.create_experiment(
        EXPERIMENT, artifact_location=settings.mlflow_artifacts.as_uri()
    )


@contextmanager
def _environment(settings: Settings) -> Iterator[None]:
    """The settings in the environment while inside: MLflow tries out a model that it logs, and the
    model's code (`mlflow_model.py`) finds its lake and Redis there, also where they were passed in."""
    variables = settings.environment()
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
