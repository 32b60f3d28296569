from pathlib import Path

import pytest

from ingestion.shop_file import ShopFileErrors, load_shop, read_shop
from recomart.errors import ShopFileError
from recomart.rules.rulebook import rules_of
from recomart.settings import PROJECT_ROOT, load_settings
from recomart.shop.model import Column

RATINGS = """\
title: Acme
ratings:
  files: ratings.csv
  columns:
    user_id: user
    product_id: item
    rating: stars
    rated_at: ts
"""


def load(tmp_path: Path, text: str):
    path = tmp_path / "acme.yml"
    path.write_text(text)
    return load_shop(load_settings(shop=str(path), lake=tmp_path / "lake"))


def failure(tmp_path: Path, text: str) -> ShopFileError:
    with pytest.raises(ShopFileError) as caught:
        load(tmp_path, text)
    return caught.value


def test_smallest_shop_is_one_source(tmp_path: Path) -> None:
    file = load(tmp_path, RATINGS)
    assert list(file.shop.sources()) == ["ratings"]
    assert file.shop.ratings.columns["rating"] == Column(column="stars")
    assert file.where("ratings.columns.rated_at").endswith(
        "acme.yml:8   ratings.columns.rated_at: 'ts'"
    )


@pytest.mark.parametrize(
    "path", sorted((PROJECT_ROOT / "shops").glob("*.yml")), ids=lambda p: p.stem
)
def test_every_shop_of_ours_loads(path: Path) -> None:
    assert load_shop(load_settings(shop=path.stem)).shop.sources()


def test_typo_in_a_source_key_names_line_and_nearest_key(tmp_path: Path) -> None:
    error = failure(tmp_path, RATINGS.replace("  files:", "  delimeter: ';'\n  files:"))
    assert "'delimeter' is not a key here" in error.message
    assert "acme.yml:3" in error.where
    assert error.help == 'did you mean "delimiter"?'


def test_typo_in_a_top_key_names_the_nearest(tmp_path: Path) -> None:
    error = failure(tmp_path, RATINGS.replace("title:", "tittle:"))
    assert error.help in ('did you mean "title"?', "add 'title:'")


def test_unknown_canonical_column_names_the_nearest(tmp_path: Path) -> None:
    error = failure(tmp_path, RATINGS.replace("rated_at:", "rated_on:"))
    assert "acme.yml:8" in error.where
    assert error.help == 'did you mean "rated_at"?'
    assert len(error.all) == 1, "that rated_at is missing too has the same cause"


def test_missing_required_column_is_named(tmp_path: Path) -> None:
    error = failure(tmp_path, RATINGS.replace("    rated_at: ts\n", ""))
    assert error.message == "ratings maps no rated_at"


def test_shop_without_anything_to_learn_from_is_refused(tmp_path: Path) -> None:
    error = failure(tmp_path, "title: Acme\n")
    assert "none of ratings, transactions, events" in error.message


def test_a_shop_may_have_a_stream_and_nothing_else(tmp_path: Path) -> None:
    shop = load(tmp_path, "title: Acme\nevents: stream\n").shop
    assert list(shop.sources()) == ["events"]
    assert {"event_type", "product_id"} <= {rule.column for rule in rules_of(shop)}
    error = failure(tmp_path, "title: Acme\nevents: stream\nusers: stream\n")
    assert "users cannot come by 'stream'" in error.message
    made = (
        "title: Acme\nevents: stream\nusers:\n  made_from: events\n  columns: {user_id: user_id}\n"
    )
    assert "has no files or API of its own" in failure(tmp_path, made).message


def test_a_source_without_a_kind_lists_those_that_are_registered(tmp_path: Path) -> None:
    error = failure(tmp_path, RATINGS.replace("  files:", "  file:"))
    assert error.message == "ratings names no kind of source"
    assert error.code == "unknown-kind-of-source"
    assert "acme.yml:2" in error.where
    assert error.found == "file, columns"
    assert (
        error.help == 'did you mean "files"? (registered: api, database, files, made_from, stream)'
    )
    word = failure(tmp_path, RATINGS + "events: strem\n")
    assert 'did you mean "stream"?' in word.help
    assert "acme.yml:9" in word.where
    nothing = failure(tmp_path, RATINGS.replace("  files: ratings.csv\n", ""))
    assert (
        nothing.help
        == "add one of these keys (registered: api, database, files, made_from, stream)"
    )


def test_a_source_of_two_kinds_is_refused(tmp_path: Path) -> None:
    error = failure(tmp_path, RATINGS.replace("  files:", "  api: https://x\n  files:"))
    assert error.message == "ratings has more than one kind of source: api, files"
    assert "acme.yml:4" in error.where


def test_a_source_that_is_no_mapping_says_what_is_expected(tmp_path: Path) -> None:
    assert "names no kind of source" in failure(tmp_path, RATINGS + "products: 5\n").message
    assert "expected a mapping of keys" in failure(tmp_path, RATINGS + "products: files\n").message


def test_bad_yaml_names_the_line(tmp_path: Path) -> None:
    error = failure(tmp_path, "title: Acme\nratings: [1, 2\n")
    assert "is not YAML" in error.message
    assert "acme.yml:" in error.where


def test_unknown_shop_lists_those_there_are() -> None:
    with pytest.raises(ShopFileError) as caught:
        load_shop(load_settings(shop="movielens_100"))
    assert "movielens_100k" in caught.value.found
    assert caught.value.help == 'did you mean "movielens_100k"?'


def test_column_with_two_origins_is_refused(tmp_path: Path) -> None:
    error = failure(
        tmp_path, RATINGS.replace("rating: stars", "rating: {column: stars, value: '5'}")
    )
    assert "exactly one of" in error.message
    assert "acme.yml:7" in error.where


def test_likes_from_is_60_percent_up_the_scale_unless_declared(tmp_path: Path) -> None:
    assert load(tmp_path, RATINGS).shop.likes_from == pytest.approx(3.4)  # 1 + 0.6 * 4
    assert load(tmp_path, RATINGS + "relevant_rating: 4\n").shop.likes_from == 4


def test_all_problems_of_a_file_are_told_at_once_in_the_order_of_their_lines(
    tmp_path: Path,
) -> None:
    wrong = RATINGS.replace("  files:", "  delimeter: ';'\n  files:")
    wrong = wrong.replace("    rated_at: ts\n", "    comment: text\n")
    wrong += "relevant_ratting: 4\nas_of: tomorrow\n"
    error = failure(tmp_path, wrong)
    assert isinstance(error, ShopFileErrors)
    lines = [problem.where.split("acme.yml:")[1].split(" ")[0] for problem in error.all]
    told = dict(zip([p.message.split(":")[0] for p in error.all], lines, strict=True))
    assert told.pop("ratings.delimeter") == "3"
    assert told.pop("ratings maps no rated_at") == "5"
    assert told.pop("ratings has no column 'comment' to map to") == "9"
    assert told.pop("relevant_ratting") == "10"
    assert told
    assert all(key.startswith("as_of") and told[key] == "11" for key in told)
    assert lines == sorted(lines, key=int)
    assert all(problem.render() in str(error) for problem in error.all)


def test_a_key_deep_inside_is_compared_with_the_keys_of_that_place(tmp_path: Path) -> None:
    api = RATINGS + (
        "products:\n  api: https://x/p\n  api_key: {heder: K, env: V}\n"
        "  columns:\n    product_id: {colum: id}\n"
    )
    hints = {p.message.split(":")[0]: p.help for p in failure(tmp_path, api).all}
    assert hints["products.api_key.heder"] == 'did you mean "header"?'
    assert hints["products.columns.product_id.colum"] == 'did you mean "column"?'


@pytest.mark.parametrize(
    ("was", "wrong", "line", "said"),
    [
        ("title: Acme", "title: Acme\nas_of: 2025-13-01", "2", "now, data_end or a time"),
        ("title: Acme", "title: Acme\nopened_at: 2025-13-01", "2", "month value is outside"),
        ("title: Acme", "title: Acme\nrating_scale: [5, 1]", "2", "lowest comes first"),
        ("title: Acme", "title: Acme\nrating_scale: 5", "2", "expected a list"),
        ("title: Acme", "title: Acme\nrelevant_rating: 9", "2", "outside of rating_scale"),
        (
            "title: Acme",
            "title: Acme\nopened_at: 2026-01-01\nclosed_at: 2025-01-01",
            "3",
            "before opened_at",
        ),
        ("title: Acme", "title: 4711", "1", "expected a text"),
        ("ratings.csv", "{a: b}", "3", "expected a list"),
        ("  columns:", "  delimiter: ''\n  columns:", "4", "expected one sign or more"),
        ("  columns:", "  delimiter: '\"'\n  columns:", "4", "none of them a quote"),
        ("  columns:", "  quote: '\"\"'\n  columns:", "4", "at most 1 character"),
        ("  columns:", "  time_format: '%d.%Q'\n  columns:", "4", "%Q"),
        ("  columns:", "  time_format: epoch_minutes\n  columns:", "4", "epoch_milliseconds"),
        ("  columns:", "  time_zone: Mars/Olympus\n  columns:", "4", "no such name"),
        ("    rated_at: ts", "    rated_at: ts\nratings: 1", "9", "'ratings' is there twice"),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_with_its_line(
    tmp_path: Path, was: str, wrong: str, line: str, said: str
) -> None:
    error = failure(tmp_path, RATINGS.replace(was, wrong))
    assert said in error.message
    assert f"acme.yml:{line}" in error.where
    assert len(getattr(error, "all", [error])) == 1


def test_an_unknown_time_zone_names_the_nearest(tmp_path: Path) -> None:
    zoned = RATINGS.replace("  columns:", "  time_zone: Europe/Berln\n  columns:")
    error = failure(tmp_path, zoned)
    assert "acme.yml:4" in error.where
    assert error.help == 'did you mean "Europe/Berlin"?'


@pytest.mark.parametrize("time_format", ["epoch_seconds", '"%d.%m.%Y %H:%M %z"'])
def test_a_time_zone_without_effect_is_refused(tmp_path: Path, time_format: str) -> None:
    keys = f"  time_format: {time_format}\n  time_zone: Europe/Berlin\n  columns:"
    error = failure(tmp_path, RATINGS.replace("  columns:", keys))
    assert "time_zone has no effect" in error.message


def test_what_is_made_from_a_source_has_its_time_zone(tmp_path: Path) -> None:
    text = RATINGS.replace("  columns:", "  time_zone: Europe/Berlin\n  columns:")
    made = "users: {made_from: ratings, columns: {user_id: user, signed_up_at: ts}}\n"
    epoch = made.replace("columns:", "time_format: epoch_seconds, columns:")
    own = made.replace("columns:", "time_zone: Asia/Tokyo, columns:")
    for users, zone in ((made, "Europe/Berlin"), (epoch, None), (own, "Asia/Tokyo")):
        shop = read_shop(text + users, tmp_path / "acme.yml").shop
        assert shop.read_as("users").time_zone == zone


def test_only_facts_that_may_repeat_add_up(tmp_path: Path) -> None:
    error = failure(tmp_path, RATINGS + "  repeats: add_up\n")
    assert "equal ratings cannot add up" in error.message
    assert "acme.yml:9" in error.where
    lists = "users: {files: x, columns: {user_id: {number_within: a}}}\n"
    error = failure(tmp_path, RATINGS + lists)
    assert "users.user_id numbers its records" in error.message


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_shop_file_that_is_not_utf_8_says_so(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "acme.yml"
    path.write_bytes(RATINGS.replace("Acme", "Äcker").encode(encoding))
    with pytest.raises(ShopFileError, match=r"acme\.yml is not UTF-8") as caught:
        load_shop(load_settings(shop=str(path), lake=tmp_path / "lake"))
    assert "acme.yml:1" in caught.value.where
