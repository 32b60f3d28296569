"""MovieLens 100K, real and unchanged, through all steps."""

import duckdb
import pytest

from recomart.settings import Settings
from recomart.warehouse import warehouse
from training.kinds import KINDS

pytestmark = [pytest.mark.realdata, pytest.mark.slow]


def test_every_published_rating_user_and_film_arrives(movielens_lake: Settings) -> None:
    # The README of the data set: 100,000 ratings, 943 users, 1,682 items.
    with warehouse(movielens_lake, read_only=True) as connection:
        found = connection.execute(
            """
            select
                (select count(*) from marts.fct_ratings),
                (select count(distinct user_id) from marts.fct_ratings),
                (select count(distinct product_id) from marts.fct_ratings),
                (select count(*) from marts.dim_users),
                (select count(*) from marts.dim_products),
                (select count(*) from raw.rejects)
            """
        ).fetchone()
    assert found == (100_000, 943, 1_682, 943, 1_682, 0)


def test_user_196_has_the_features_of_u_data(movielens_lake: Settings) -> None:
    # Counted by hand from u.data: awk -F'\t' '$1 == 196 {n++; s += $3} END {print n, s}' -> 39 141
    path = movielens_lake.current_features / "ftr_users.parquet"
    newest = duckdb.execute(
        """
        select user_ratings_count, user_ratings_sum
        from read_parquet(?) where user_id = '196'
        order by event_timestamp desc limit 1
        """,
        [str(path)],
    ).fetchone()
    assert newest == (39, 141)


def test_metrics_of_every_kind_are_in_mlflow(movielens_lake: Settings) -> None:
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=movielens_lake.mlflow_uri)
    versions = client.search_model_versions("name = 'recomart-recommender'")
    assert {version.tags["kind"] for version in versions} == set(KINDS.names())
    for version in versions:
        metrics = client.get_run(version.run_id).data.metrics
        assert 0 < metrics["test_ndcg_at_10"] < 1, version.tags["kind"]
        if version.tags["kind"] in ("bias", "svd"):
            assert 0.5 < metrics["test_rmse"] < 1.5
