"""Feast's objects, built from the published models: a feature is described once, in dbt."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import FunctionType
from typing import TYPE_CHECKING, Any, cast

from feature_store.bitemporal import CREATED_AT, EVENT_TIMESTAMP
from feature_store.definitions.manifest import JOIN_KEYS, Model
from feature_store.definitions.realtime_views import (
    realtime_features,
    realtime_schema,
    realtime_service,
    realtime_source,
    realtime_views,
)
from feature_store.derivation import REQUEST, derivable, derived_features, transformation, view_of
from feature_store.derived_feature import REQUEST_COLUMN, Prior
from recomart.errors import ConfigurationError
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

log = logging.getLogger(__name__)

NO_EXPIRY = timedelta(0)
FORMAT = 1
"""Count up when `build` makes other objects of an equal manifest."""

VERSION_TAG = "definitions"
"""The project's tag that holds `definitions_version`."""


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

    Raises:
        ConfigurationError: two views of a service have a feature of the same name.
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
    services = services_of(models)
    for service, taken in services.items():
        _check_names(service, [offered[view] for view in taken])
    derived = {
        service: view
        for service, taken in services.items()
        if (view := _derived(service, request, [offered[name] for name in taken], prior))
    }
    state = realtime_views(settings, entities)
    realtime = realtime_features(state, request)
    return FeatureRepo(
        project=Project(
            name=settings.feast_project,
            description=f"Shop {settings.shop_name}",
            tags={VERSION_TAG: definitions_version()},
        ),
        entities=tuple(entities.values()),
        views=(*views.values(), *state),
        on_demand=(*derived.values(), realtime),
        services=(
            *(
                FeatureService(
                    name=service,
                    features=[
                        *(offered[view] for view in taken),
                        *([derived[service]] if service in derived else []),
                    ],
                )
                for service, taken in services.items()
            ),
            realtime_service(realtime),
        ),
    )


def definitions_version() -> str:
    """A name for all that Feast's objects take from the code, not from a manifest.

    That is: the sources of the on-demand views, with the paths of the functions that they import,
    the derived features with their inputs, and the real-time features.
    """
    _, source = transformation(Prior(0.0, 0.0))
    derived = [(f.name, f.inputs, f.description) for f in derived_features().values()]
    content = [FORMAT, source, derived, realtime_source(), realtime_schema()]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def services_of(models: Sequence[Model]) -> dict[str, tuple[str, ...]]:
    """The views of each feature service, by name."""
    found: dict[str, list[str]] = {}
    for model in models:
        for service in model.feast.services if model.feast else ():
            found.setdefault(service, []).append(model.name)
    return {service: tuple(found[service]) for service in sorted(found)}


def _check_names(service: str, views: Sequence[Any]) -> None:
    owner: dict[str, str] = {}
    for view in views:
        for feature in view.projection.features:
            other = owner.setdefault(feature.name, view.name)
            if other != view.name:
                raise ConfigurationError(
                    f"service {service} would have the feature {feature.name} twice",
                    where=f"config.meta.feast.services of {other} and {view.name}",
                    help="give each version of a model a service of its own "
                    "(docs/feature-versions.md)",
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
        tags={
            "stale_after_hours": f"{model.feast.stale_after_hours:g}",
            **({"version": model.version} if model.version else {}),
        },
    )


def _offered(view: FeatureView, model: Model) -> FeatureView:
    """The view as services take it: without the features that belong to none."""
    names = [column.name for column, _ in model.features if column.in_services]
    return view if len(names) == len(view.features) else view[names]


def _derived(
    service: str, request: RequestSource, views: list[FeatureView], prior: Prior
) -> OnDemandFeatureView | None:
    """The view of a service's derived features; None when it can have none."""
    from feast import Field, OnDemandFeatureView, types

    name = view_of(service)
    function, source = transformation(prior, name)
    names = derivable({field.name for view in views for field in view.projection.features})
    if left_out := derived_features().keys() - set(names):
        log.info("%s lacks columns for %s", service, ", ".join(sorted(left_out)))
    if not names:
        return None
    return OnDemandFeatureView(
        name=name,
        sources=[request, *views],
        schema=[Field(name=feature, dtype=types.Float64) for feature in names],
        mode="pandas",
        udf=cast(FunctionType, function),
        udf_string=source,
        description="Ages, means, shares and trends at as_of (feature_store/derived.py).",
        # a field's own description is lost in the registry, and then the service does not fit
        tags={name: derived_features()[name].description for name in names},
    )
