"""`recomart evaluate`: what models are worth for a shop, by a protocol, without naming a champion."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Literal

from feature_store.model_evaluation import Evaluation
from feature_store.snapshots import current_snapshot
from recomart.errors import NotReady
from recomart.settings import Settings
from recomart.step import Progress, no_progress
from training.labels import ShopData, load_shop_data
from training.protocols import PROTOCOLS
from training.tracking import record_evaluation
from training.train import experiment_on

Relevant = Literal["liked", "any"]


def evaluate_shop(
    settings: Settings,
    *,
    protocol: str = "time",
    relevant: Relevant = "liked",
    progress: Progress = no_progress,
) -> tuple[Evaluation, str]:
    """Fit and compare every kind on the published snapshot; returns the evaluation and its name.

    Nothing is registered, and nobody is served another model. The evaluation is a run of its own in
    MLflow and a file in the lake.

    Args:
        protocol: what is held out.
        relevant: `liked` counts labels from the shop's threshold on, `any` counts every label.

    Raises:
        NothingPublished: there are no published features.
        UnknownName: there is no such protocol.
        NotReady: the shop has no interactions, or too few days to hold any out.
    """
    way = PROTOCOLS.get(protocol)
    snapshot = current_snapshot(settings)
    os.utime(snapshot.folder)  # in use: a publish meanwhile must not remove it as the oldest
    data = load_shop_data(snapshot.folder)
    name = protocol
    if relevant == "any":
        data, name = all_relevant(data), f"{protocol}-any"
    _, evaluation = experiment_on(
        settings, snapshot, data, protocol=way, serve=False, progress=progress
    )
    if evaluation is None:
        raise NotReady(
            "all labels are of one day, so nothing can be held out to evaluate models on",
            found=f"{len(data.labels):,} labels up to {data.rules.as_of}",
            help="evaluate again when the shop has at least two days of data, or with "
            "'--protocol random'",
        )
    record_evaluation(settings, evaluation, name)
    return evaluation, name


def all_relevant(data: ShopData) -> ShopData:
    """The shop as if every label said that the user liked the product."""
    lowest = min(float(data.labels.labels.min()), data.rules.scale[0])
    return replace(data, rules=replace(data.rules, relevant=lowest))
