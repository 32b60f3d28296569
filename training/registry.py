"""Which model serves: the version that the alias `champion` names, and those that served before."""

from __future__ import annotations

import json
from collections.abc import Iterable

from feature_store.registered_models import (
    ARTIFACT_FOLDER,
    AS_OF,
    CHAMPION,
    CHAMPIONS,
    EVALUATION,
    FEATURES_AS_KNOWN,
    FEATURES_AT,
    FEATURES_HASH,
    KIND,
    LIFT,
    PROTOCOL,
    READS,
    REGISTERED_MODEL,
    RULE,
    SHA256,
    TEST_CUT,
    TRAINING_HASH,
    VALIDATION_NDCG,
    ModelVersion,
    database,
    model_tags,
    model_versions,
)
from recomart.errors import NoChampion, UnknownName
from recomart.settings import Settings

__all__ = [
    "ARTIFACT_FOLDER",
    "AS_OF",
    "CHALLENGER",
    "CHAMPION",
    "CHAMPIONS",
    "EVALUATION",
    "FEATURES_AS_KNOWN",
    "FEATURES_AT",
    "FEATURES_HASH",
    "KIND",
    "LIFT",
    "NEWEST_SVD",
    "PROTOCOL",
    "READS",
    "REGISTERED_MODEL",
    "RULE",
    "SHA256",
    "TEST_CUT",
    "TRAINING_HASH",
    "VALIDATION_NDCG",
    "ModelVersion",
    "champion",
    "earlier_champions",
    "model_versions",
    "version_of",
]

CHALLENGER, NEWEST_SVD = "challenger", "svd"


def champion(settings: Settings) -> ModelVersion:
    """The version that the alias `champion` names.

    Raises:
        NoChampion: nothing is registered yet, or the alias was removed.
        NotReady: the registry cannot be read.
    """
    path = database(settings)
    if not path.is_file():
        raise NoChampion(
            f"shop '{settings.shop_name}' has no model yet",
            where=str(path),
            found="no model registry",
            help="run 'recomart train' first, or 'recomart pipeline' for all steps",
        )
    for version in model_versions(settings):
        if CHAMPION in version.aliases:
            return version
    raise NoChampion(
        f"no version of {REGISTERED_MODEL} has the alias '{CHAMPION}'",
        where=str(path),
        help="run 'recomart train', or name one with 'recomart champion promote VERSION'",
    )


def version_of(settings: Settings, number: str) -> ModelVersion:
    """The registered version of this number.

    Raises:
        UnknownName: there is none.
        NotReady: the registry cannot be read.
    """
    versions = {version.version: version for version in model_versions(settings)}
    if number in versions:
        return versions[number]
    raise UnknownName(
        f"no registered model has the version '{number}'",
        found=f"the versions are {_spans(versions)}" if versions else "no model is registered",
        help="see 'recomart champion --all'",
    )


def earlier_champions(settings: Settings) -> tuple[str, ...]:
    """The versions that were champion, the latest last; the present one is among them.

    Raises:
        NotReady: the registry cannot be read.
    """
    try:
        found = json.loads(model_tags(settings).get(CHAMPIONS, "[]"))
    except ValueError:  # someone wrote to the tag by hand
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _spans(versions: Iterable[str]) -> str:
    """Numbers in short: '1 to 14, 16'."""
    spans: list[list[int]] = []
    for number in sorted(map(int, versions)):
        if spans and number == spans[-1][-1] + 1:
            spans[-1] = [spans[-1][0], number]
        else:
            spans.append([number])
    return ", ".join(" to ".join(map(str, span)) for span in spans)
