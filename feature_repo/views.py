"""Feast's objects, built from the published models: a feature is described once, in dbt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from feature_repo.manifest import JOIN_KEYS, Model
from feature_repo.realtime import realtime_features, realtime_service, realtime_views
from recomart.derived import (
    DERIVED_FEATURES,
    REQUEST,
    REQUEST_COLUMN,
    VIEW,
    Prior,
    transformation,
)
from recomart.known import CREATED_AT, EVENT_TIMESTAMP
from recomart.settings import Settings

if TYPE_CHECKING:
    from feast import (
        Entity,
        FeatureService,
        FeatureView,
        OnDemandFeatureView,
        Project,
        RequestSource,
    )

NO_EXPIRY = timedelta(0)


@dataclass(frozen=True)
class FeatureRepo:
    """Everything that `feast apply` registers."""

    project: Project
    entities: tuple[Entity, ...]
    views: tuple[FeatureView, ...]
    on_demand: tuple[OnDemandFeatureView, ...]
    services: tuple[FeatureService, ...]

    def objects(self) -> dict[str, Any]:
        """Each object by a name of its own, in the order in which Feast wants them."""
        listed: list[Any] = [
            self.project,
            *self.entities,
            *self.views,
            *self.on_demand,
            *self.services,
        ]
        return {f"{type(o).__name__}_{o.name}": o for o in listed}


def build(settings: Settings, models: Sequence[Model], prior: Prior) -> FeatureRepo:
    """Feast's objects for the feature models among `models`.

    Args:
        models: published models; those without `feast` in their meta are left out.
        prior: the shop's prior for mean ratings.
    """
    from feast import Entity, FeatureService, Field, Project, RequestSource, ValueType, types

    feature_models = [model for model in models if model.feast]
    entities = {
        name: Entity(name=name, join_keys=[key], value_type=ValueType.STRING)
        for name, key in JOIN_KEYS.items()
    }
    views = {model.name: _view(settings, model, entities) for model in feature_models}
    offered = {model.name: _offered(views[model.name], model) for model in feature_models}
    request = RequestSource(
        name=REQUEST, schema=[Field(name=REQUEST_COLUMN, dtype=types.UnixTimestamp)]
    )
    derived = _derived(request, list(offered.values()), prior)
    state = realtime_views(settings, entities)
    realtime = realtime_features(state, request)
    services = sorted({s for m in feature_models if m.feast for s in m.feast.services})
    return FeatureRepo(
        project=Project(name=settings.feast_project, description=f"Shop {settings.shop_name}"),
        entities=tuple(entities.values()),
        views=(*views.values(), *state),
        on_demand=(derived, realtime),
        services=(
            *(
                FeatureService(
                    name=service,
                    features=[
                        *(
                            offered[m.name]
                            for m in feature_models
                            if m.feast and service in m.feast.services
                        ),
                        derived,
                    ],
                )
                for service in services
            ),
            realtime_service(realtime),
        ),
    )


def _view(settings: Settings, model: Model, entities: dict[str, Entity]) -> FeatureView:
    from feast import FeatureView, Field, FileSource, types

    assert model.feast is not None
    keys = [Field(name=key, dtype=types.String) for key in model.join_keys]
    features = [
        Field(name=column.name, dtype=getattr(types, kind), description=column.description)
        for column, kind in model.features
    ]
    return FeatureView(
        name=model.name,
        entities=[entities[name] for name in model.feast.entities],
        schema=[*keys, *features],
        source=FileSource(
            name=model.name,
            path=str(settings.current_features / f"{model.name}.parquet"),
            timestamp_field=EVENT_TIMESTAMP,
            created_timestamp_column=CREATED_AT,
        ),
        ttl=NO_EXPIRY,  # a row is valid until the next one, however long that takes
        description=model.description,
        tags={"stale_after_hours": f"{model.feast.stale_after_hours:g}"},
    )


def _offered(view: FeatureView, model: Model) -> FeatureView:
    """The view as services take it: without the features that belong to none."""
    names = [column.name for column, _ in model.features if column.in_services]
    return view if len(names) == len(view.features) else view[names]


def _derived(request: RequestSource, views: list[FeatureView], prior: Prior) -> OnDemandFeatureView:
    from feast import Field, OnDemandFeatureView, types

    function, source = transformation(prior)
    return OnDemandFeatureView(
        name=VIEW,
        sources=[request, *views],
        schema=[Field(name=name, dtype=types.Float64) for name in DERIVED_FEATURES],
        mode="pandas",
        udf=cast(FunctionType, function),
        udf_string=source,
        description="Ages, means, shares and trends at as_of (recomart/derived.py).",
    )
