"""Verbs that look things up: recommendations, online features, published snapshots."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.app import FEATURES, MODELS, app, group
from recomart.errors import ConfigurationError
from recomart.settings import load_settings

features = group(
    "features", "Show what the feature store serves now, and what it served before.", FEATURES
)

Id = Annotated[str, typer.Argument(help="The id, as it is written in the shop's data")]


@app.command(rich_help_panel=MODELS)
def recommend(
    user: Annotated[
        str | None, typer.Option("--user", help="Recommend to the user with this id")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Recommend this many products")] = 10,
    session: Annotated[
        str | None,
        typer.Option(
            help="What the visitor just did, the latest last: p4:view,p17:add_to_cart "
            "(an id without a type is a view)"
        ),
    ] = None,
) -> None:
    """Recommend products to a user, to a visitor by their session, or to both, with reasons."""
    from orchestration.output.recommendations import print_recommendations
    from training.recommend import parse_session
    from training.recommend import recommend as recommend_to

    if user is None and session is None:
        raise ConfigurationError(
            "it is not clear to whom to recommend", help="give --user ID, --session EVENTS, or both"
        )
    events = parse_session(session or "")
    print_recommendations(recommend_to(load_settings(), user, k, events))


@app.command(rich_help_panel=MODELS)
def tune(
    minutes: Annotated[
        float, typer.Option(min=0, help="Begin no further try after this many minutes")
    ] = 10.0,
    kind: Annotated[
        list[str] | None, typer.Option(help="Tune only this kind of model; may be repeated")
    ] = None,
) -> None:
    """Search better parameters for this shop on the validation window; 'train' then uses them."""
    from orchestration.output.recommendations import print_tuned
    from training.tune import tune as search

    print_tuned(search(load_settings(), minutes=minutes, kinds=kind or ()))


@features.command("user")
def features_of_user(user_id: Id) -> None:
    """Print the value, status and age of every feature that Redis serves for a user."""
    from feature_store.online.lookup import OnlineFeatures
    from orchestration.output.recommendations import print_features

    print_features(OnlineFeatures(load_settings()).user(user_id), f"user {user_id}")


@features.command("product")
def features_of_product(product_id: Id) -> None:
    """Print the value, status and age of every feature that Redis serves for a product."""
    from feature_store.online.lookup import OnlineFeatures
    from orchestration.output.recommendations import print_features

    print_features(OnlineFeatures(load_settings()).product(product_id), f"product {product_id}")


@features.command("history")
def features_history(
    restore: Annotated[
        str | None,
        typer.Option(help="Serve the snapshot with this hash again, from Parquet and from Redis"),
    ] = None,
) -> None:
    """List the published snapshots, newest first, or restore one of them."""
    from feature_store.publish import restore as restoring
    from orchestration.output.quality import print_history

    settings = load_settings()
    if restore is not None:
        typer.echo(restoring.restore(settings, restore).detail + "\n")
    print_history(restoring.history(settings))


@features.command("published")
def features_published() -> None:
    """List what each publish changed in Redis, by feature view, newest first."""
    from feature_store.publish.publish_log import publications
    from orchestration.output.quality import print_publications

    print_publications(publications(load_settings()))
