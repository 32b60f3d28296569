from datetime import date

import numpy as np
import pandas as pd
import pytest

from demo_shop.catalogue import CATEGORIES
from demo_shop.history import KINDS, History
from demo_shop.plan import DAYS, EXPORT_HOURS, Plan
from demo_shop.world import World, make_world

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(Plan(1.0, 7, date(2026, 3, 31)))


@pytest.fixture(scope="module")
def past(world: World) -> dict[str, pd.DataFrame]:
    """Events, lines and ratings of all days; `at` is milliseconds since the first midnight."""
    tables: dict[str, list[pd.DataFrame]] = {"events": [], "lines": [], "ratings": []}
    for day in History(world).days():
        for name, frames in tables.items():
            frame = pd.DataFrame(vars(getattr(day, name)))
            frame["day"] = day.day
            frame["at"] = frame.get("time", frame.get("occurred")) + day.day * DAY_MS
            frames.append(frame)
    joined = {name: pd.concat(frames, ignore_index=True) for name, frames in tables.items()}
    joined["events"]["type"] = np.array(KINDS)[joined["events"]["kind"]]
    return joined


def test_sizes_at_scale_one_are_those_promised(past: dict[str, pd.DataFrame]) -> None:
    assert len(past["events"]) == pytest.approx(100_000, rel=0.05)
    assert 15_000 <= len(past["ratings"]) <= 25_000
    assert 5_000 <= len(past["lines"]) <= 10_000


def test_every_day_has_events_and_the_last_week_orders_and_ratings(
    past: dict[str, pd.DataFrame],
) -> None:
    assert set(past["events"].day) == set(range(DAYS))
    for name in ("lines", "ratings"):
        assert set(range(DAYS - 7, DAYS)) <= set(past[name].day)


def test_nothing_happens_after_the_export(past: dict[str, pd.DataFrame]) -> None:
    export = (DAYS - 1) * DAY_MS + EXPORT_HOURS * 3_600_000
    for frame in past.values():
        assert frame["at"].max() < export
        assert frame["at"].between(frame.day * DAY_MS, (frame.day + 1) * DAY_MS - 1).all()
    events = past["events"]
    assert (events.received >= events.occurred).all()
    assert (events.received + events.day * DAY_MS).max() < export


def test_nobody_acts_before_signing_up_and_nothing_is_seen_before_its_launch(
    world: World, past: dict[str, pd.DataFrame]
) -> None:
    for frame in past.values():
        assert (frame["at"] > world.people.signed_up[frame.user] * DAY_MS).all()
        assert (frame.day >= world.catalogue.launched[frame["product"]]).all()


def test_every_purchase_is_an_order_line_with_the_same_user_product_and_time(
    past: dict[str, pd.DataFrame],
) -> None:
    events, key = past["events"], ["user", "product", "at"]
    purchases = events[events.type == "purchase"][key].sort_values(key)
    lines = past["lines"][key].sort_values(key)
    assert np.array_equal(purchases.to_numpy(), lines.to_numpy())
    orders = past["lines"].groupby(["day", "order"])
    assert (orders["number"].max() == orders.size()).all()
    assert (orders["user"].nunique() == 1).all()


def test_what_is_bought_was_put_into_the_cart_of_that_session_before(
    past: dict[str, pd.DataFrame],
) -> None:
    events, key = past["events"], ["day", "session", "product"]
    carts = events[events.type == "add_to_cart"].set_index(key)["at"]
    bought = events[events.type == "purchase"].set_index(key)["at"]
    removed = events[events.type == "remove_from_cart"].set_index(key)["at"]
    assert carts.index.is_unique
    assert (bought > carts.reindex(bought.index)).all()
    assert (removed > carts.reindex(removed.index)).all()
    assert not bought.index.isin(removed.index).any()
    shares = events.type.value_counts(normalize=True)
    assert shares["view"] > shares["add_to_cart"] > shares["purchase"] > 0.03


def test_a_user_rates_a_product_once_and_only_after_seeing_it(
    past: dict[str, pd.DataFrame],
) -> None:
    events, ratings = past["events"], past["ratings"]
    assert not ratings.duplicated(["user", "product"]).any()
    seen = events[events.type.isin(["view", "purchase"])].groupby(["user", "product"])["at"].min()
    pairs = pd.MultiIndex.from_frame(ratings[["user", "product"]])
    assert (ratings["at"].to_numpy() >= seen.reindex(pairs).to_numpy()).all()


def test_popularity_has_a_long_tail(world: World, past: dict[str, pd.DataFrame]) -> None:
    views = past["events"].query("type == 'view'").groupby("product").size()
    sorted_views = views.sort_values(ascending=False).to_numpy()
    tenth, half = len(world.catalogue.ids) // 10, len(world.catalogue.ids) // 2
    assert 0.25 < sorted_views[:tenth].sum() / sorted_views.sum() < 0.6
    assert sorted_views[half:].sum() / sorted_views.sum() > 0.08


def test_recent_popularity_tells_more_than_that_of_all_time(
    past: dict[str, pd.DataFrame], world: World
) -> None:
    views = past["events"].query("type == 'view'")

    def popularity(first: int, end: int) -> pd.Series:
        chosen = views[views.day.between(first, end - 1)].groupby("product").size()
        return chosen.reindex(range(len(world.catalogue.ids)), fill_value=0)

    week = popularity(DAYS - 8, DAYS - 1)
    recent, all_time = popularity(DAYS - 15, DAYS - 8), popularity(0, DAYS - 8)
    assert week.corr(recent) > week.corr(all_time) + 0.05


def test_category_shares_of_a_user_tell_what_comes_next(
    past: dict[str, pd.DataFrame], world: World
) -> None:
    views = past["events"].query("type == 'view'").copy()
    views["category"] = world.catalogue.category[views["product"]]
    counts = [
        pd.crosstab(part.user, part.category).reindex(columns=range(len(CATEGORIES)), fill_value=0)
        for part in (views[views.day < 90], views[views.day >= 90])
    ]
    active = [c[c.sum(axis=1) >= 20] for c in counts]
    before, after = active[0].align(active[1], join="inner", axis=0)
    shares = before.div(before.sum(axis=1), axis=0).to_numpy()
    later = after.div(after.sum(axis=1), axis=0).to_numpy()
    # how far off the user's own past is, against the past of everybody
    own, crowd = np.abs(later - shares).sum(axis=1), np.abs(later - shares.mean(axis=0)).sum(axis=1)
    assert len(own) > 100
    assert own.mean() < 0.85 * crowd.mean()


def test_conversion_grows_with_hidden_affinity(past: dict[str, pd.DataFrame], world: World) -> None:
    events = past["events"][past["events"].type.isin(["view", "add_to_cart"])]
    pairs = events.assign(cart=events.type == "add_to_cart").groupby(["user", "product"]).cart.max()
    user, product = (pairs.index.get_level_values(name).to_numpy() for name in ("user", "product"))
    affinity = world.tastes.affinity(user, product[:, None], 60)[:, 0]
    order = affinity.argsort()
    low, high = np.array_split(pairs.to_numpy()[order], 4)[::3]
    assert high.mean() > 2 * low.mean() > 0


def test_a_model_learns_tastes_from_ratings_beyond_biases(past: dict[str, pd.DataFrame]) -> None:
    """Surprise's SVD against its own baseline of biases, on the ratings of the last two weeks."""
    from surprise import SVD, BaselineOnly, Dataset, Reader, accuracy

    ratings = past["ratings"]
    train, test = ratings[ratings.day < DAYS - 14], ratings[ratings.day >= DAYS - 14]
    columns = ["user", "product", "stars"]
    known = Dataset.load_from_df(train[columns], Reader(rating_scale=(1, 5))).build_full_trainset()
    unseen = list(test[columns].itertuples(index=False, name=None))

    def error(model: SVD | BaselineOnly) -> float:
        return accuracy.rmse(model.fit(known).test(unseen), verbose=False)

    biases = error(BaselineOnly(verbose=False))
    factors = error(SVD(n_factors=20, n_epochs=30, lr_all=0.01, reg_all=0.05, random_state=7))
    assert biases < 0.9 * test.stars.std()
    assert factors < biases - 0.01
