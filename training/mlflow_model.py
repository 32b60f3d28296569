"""The model as MLflow loads it: from this code and our artifact's files, without pickle.

It needs RecoMart installed, and the lake: what users have and what features are now comes from
there (RECOMART_LAKE, RECOMART_SHOP), not from the time of training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from recomart.settings import load_settings
from training.artifact import Artifact, load
from training.recommender import Recommender


class RecommenderModel(PythonModel):
    """user_id in, one row per user and place out."""

    artifact: Artifact

    def load_context(self, context: Any) -> None:
        """Read the artifact; its hashes are checked."""
        self.artifact = load(Path(context.artifacts["model"]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Lists of `params["k"]` products for each `user_id`."""
        k = int((params or {}).get("k", 10))
        recommender = Recommender(load_settings(), self.artifact, self.artifact.kind)
        rows = [
            (user, place, item.product_id, item.score, item.reason)
            for user in model_input["user_id"].astype(str)
            for place, item in enumerate(recommender.recommend(user, k).items, start=1)
        ]
        return pd.DataFrame(rows, columns=["user_id", "place", "product_id", "score", "reason"])


set_model(RecommenderModel())
