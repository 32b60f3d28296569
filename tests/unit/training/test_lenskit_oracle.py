"""Ranking metrics against what the Java LensKit computed for 78,400 recommendations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recomart.settings import load_settings
from training import metrics

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def oracle() -> Path:
    folder = load_settings().data / "lenskit-topn-oracle"
    if not folder.is_dir():
        pytest.skip(f"no oracle at {folder}")
    return folder


@pytest.fixture(scope="module")
def lists(oracle: Path) -> tuple[np.ndarray, pd.DataFrame]:
    """Each list's gains by place (the rating of what stands there), and LensKit's figures."""
    recommended = pd.read_csv(oracle / "topn-java-recs.csv")
    truth = pd.read_csv(oracle / "topn-java-truth.csv")
    merged = recommended.merge(truth, on=["user", "item"], how="left")
    gains = merged.pivot_table(
        index=["Algorithm", "user"], columns="rank", values="rating", dropna=False, aggfunc="sum"
    )
    figures = pd.read_csv(oracle / "topn-java-metrics.csv").set_index(["Algorithm", "user"])
    figures = figures.loc[figures.index.intersection(gains.index)]
    return gains.loc[figures.index].fillna(0.0).to_numpy(), figures


def test_reciprocal_rank_is_lenskits(lists: tuple[np.ndarray, pd.DataFrame]) -> None:
    gains, figures = lists
    assert len(figures) == 100
    ours = metrics.reciprocal_rank(gains > 0, np.ones(len(gains), dtype=int))
    np.testing.assert_allclose(ours, figures["Java.RecipRank"], atol=1e-12)


def test_discounted_gain_with_lenskits_discount_gives_its_ndcg(
    oracle: Path, lists: tuple[np.ndarray, pd.DataFrame]
) -> None:
    gains, figures = lists
    weights = 1.0 / np.maximum(1.0, np.log2(np.arange(1, gains.shape[1] + 1)))
    truth = pd.read_csv(oracle / "topn-java-truth.csv")
    best = truth.sort_values("rating", ascending=False).groupby("user")["rating"]
    ideal = best.agg(
        lambda ratings: float(
            metrics.discounted_gain(
                ratings.to_numpy(dtype=float)[None, : len(weights)], weights[: len(ratings)]
            )[0]
        )
    )
    users = figures.index.get_level_values("user")
    ours = metrics.discounted_gain(gains, weights) / ideal.loc[users].to_numpy()
    np.testing.assert_allclose(ours, figures["Java.nDCG"], atol=1e-9)
