"""Feast's objects for real-time features: views of state, and the one that makes features of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from feature_store.bitemporal import EVENT_TIMESTAMP
from feature_store.realtime.documents import derive
from feature_store.realtime.features import FEATURES, JOIN_KEYS, SERVICE, STALE_AFTER, STATE, VIEW
from recomart.settings import Settings

if TYPE_CHECKING:
    from feast import Entity, FeatureService, FeatureView, OnDemandFeatureView, RequestSource

DESCRIPTIONS = {
    "rt_users": "A user's events of the last day, as the speed layer keeps them.",
    "rt_products": "A product's views, carts and purchases by minute, as the speed layer counts.",
}


def realtime_source() -> str:
    """The source of the on-demand view's function, from which Feast runs it."""
    return (
        f"def {VIEW}(inputs):\n"
        f"    from {derive.__module__} import {derive.__name__}\n"
        f"    return {derive.__name__}(inputs)\n"
    )


def realtime_schema() -> list[tuple[str, str]]:
    """Names and Feast types of the real-time features, in order."""
    return [(f.name, f.kind) for features in FEATURES.values() for f in features]


def realtime_views(settings: Settings, entities: Mapping[str, Entity]) -> tuple[FeatureView, ...]:
    """The views of state. Their batch source is an empty file, for a materialize by hand."""
    from feast import FeatureView, Field, FileSource, PushSource, types

    return tuple(
        FeatureView(
            name=view,
            entities=[next(e for e in entities.values() if e.join_key == join_key)],
            schema=[
                Field(name=join_key, dtype=types.String),
                Field(name=STATE[view], dtype=types.String, description="State, for realtime."),
            ],
            source=PushSource(
                name=f"{view}_stream",
                batch_source=FileSource(
                    name=view, path=str(_file(settings, view)), timestamp_field=EVENT_TIMESTAMP
                ),
            ),
            description=DESCRIPTIONS[view],
            tags={"stale_after_hours": f"{STALE_AFTER.total_seconds() / 3_600:g}"},
        )
        for view, join_key in JOIN_KEYS.items()
    )


def realtime_features(
    views: tuple[FeatureView, ...], request: RequestSource
) -> OnDemandFeatureView:
    """The on-demand view of all real-time features at the request's `as_of`."""
    from feast import Field, OnDemandFeatureView, types

    listed = [feature for features in FEATURES.values() for feature in features]
    view = OnDemandFeatureView(
        name=VIEW,
        sources=[request, *views],
        schema=[Field(name=name, dtype=getattr(types, kind)) for name, kind in realtime_schema()],
        mode="python",
        udf=cast(FunctionType, derive),
        udf_string=realtime_source(),
        description="Features of the last 24 hours at as_of (feature_store/realtime/).",
        # a field's own description is lost in the registry, and then the service does not fit
        tags={feature.name: feature.description for feature in listed},
    )
    # Feast would call the function with made-up texts to learn the types that are declared above
    view.infer_features = lambda: None  # type: ignore[method-assign]  # for this object alone
    return view


def realtime_service(features: OnDemandFeatureView) -> FeatureService:
    """The service of the real-time features; for serving, since state is not history."""
    from feast import FeatureService

    return FeatureService(
        name=SERVICE, features=[features], description="Real-time features. Serving only."
    )


def write_empty_sources(settings: Settings) -> None:
    """The batch sources of the real-time views: Parquet without rows, where none is."""
    for view, join_key in JOIN_KEYS.items():
        file = _file(settings, view)
        if file.exists():
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        columns: dict[str, Any] = {
            join_key: pa.string(),
            STATE[view]: pa.string(),
            EVENT_TIMESTAMP: pa.timestamp("us"),
        }
        unfinished = file.with_suffix(".tmp")
        pq.write_table(pa.schema(columns).empty_table(), unfinished)
        unfinished.replace(file)


def _file(settings: Settings, view: str) -> Path:
    return settings.features / "realtime" / f"{view}.parquet"
