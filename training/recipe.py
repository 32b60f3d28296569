"""Whether training again could give anything else: the same features, code and seed give the same.

Training is deterministic, so a rerun of the pipeline on an unchanged snapshot needs no training.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from feature_store import derivation, derived, derived_feature
from feature_store.snapshots import current_snapshot
from recomart.errors import NotReady
from recomart.settings import Settings
from training import registry
from training.tuned import best_parameters

RECIPE = "recipe"


def recipe_hash(settings: Settings, *, as_known_then: bool = False) -> str:
    """A hash of what decides, in addition to the features, what is learned: our code (that of the
    derived features included), the seed, what tuning found, and whether features are taken as they were known then."""
    digest = hashlib.sha256(f"{settings.seed} {as_known_then}".encode())
    package = Path(__file__).parent
    for path in (
        *sorted(package.rglob("*.py")),
        *map(Path, (derivation.__file__, derived.__file__, derived_feature.__file__)),
    ):
        digest.update(path.relative_to(package.parent).as_posix().encode() + path.read_bytes())
    digest.update(json.dumps(best_parameters(settings), sort_keys=True).encode())
    return digest.hexdigest()[:16]


def trained_already(settings: Settings) -> registry.ModelVersion | None:
    """The champion, when there is nothing new to learn: this recipe has already named a champion
    from the snapshot published now. That one may have been replaced by hand since, and stays so.

    Raises:
        NothingPublished: there are no published features.
    """
    snapshot = current_snapshot(settings).hash
    try:
        champion = registry.champion(settings)
    except NotReady:
        return None
    wanted = snapshot, recipe_hash(settings)
    named = {champion.version, *registry.earlier_champions(settings)}
    for version in registry.model_versions(settings):
        made_by = version.tags.get(registry.FEATURES_HASH), version.tags.get(RECIPE)
        if version.version in named and made_by == wanted:
            return champion
    return None
