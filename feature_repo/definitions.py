"""The one file that Feast imports: `feast apply` registers the objects of this module.

The views come from dbt's manifest next to the published Parquet, so there is nothing to edit here:
to add a feature, edit its dbt model and that model's YAML.
"""

from __future__ import annotations

from feature_store.definitions.registration import models_of
from feature_store.definitions.views import build
from feature_store.snapshots import current_snapshot
from recomart.settings import load_settings

_settings = load_settings()
_snapshot = current_snapshot(_settings)
globals().update(build(_settings, models_of(_snapshot), _snapshot.prior).objects())
