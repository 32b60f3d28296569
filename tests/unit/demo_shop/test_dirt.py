import numpy as np

from demo_shop.dirt import NO_UTF8, Kind, plant
from demo_shop.kinds import HOSTILE, KINDS
from demo_shop.text import FORMATS, Format
from recomart.shop.model import KEYS

RATINGS = FORMATS["ratings"]
LINES = [f"u{n},p{n},3,2026-03-01T10:00:{n:02d}.000Z" for n in range(50)]


def soil(*kinds: Kind, form: Format = RATINGS, lines: list[str] = LINES, rate: float = 0.0):
    rng = np.random.default_rng(5)
    return plant(rng, lines, kinds, form, rate, first_serial=1, forced=kinds)


def test_planted_rows_are_where_the_truth_says() -> None:
    kinds = KINDS["ratings"]
    lines, planted = soil(*kinds)
    assert {kind for _, kind, _ in planted} == set(kinds)
    for place, kind, record in planted:
        if kind.outcome == "rejected":
            too_short_or_long = lines[place].count(",") != len(RATINGS.columns) - 1
            assert too_short_or_long == (NO_UTF8 not in lines[place])
        else:
            assert RATINGS.parse(lines[place]) == record


def test_clean_rows_survive_in_their_order() -> None:
    for entity, kinds in KINDS.items():
        extra = [kind for kind in kinds if kind.where != "instead"]
        form = FORMATS.get(entity, Format(("product_id", "title", "price"), "json"))
        clean = [form.render(dict.fromkeys(form.columns, f"{n}")) for n in range(40)]
        lines, planted = soil(*extra, form=form, lines=clean)
        for place, _, _ in reversed(planted):
            del lines[place]
        assert lines == clean, entity


def test_an_older_version_stands_before_the_clean_row_and_a_copy_behind_it() -> None:
    older, copy = KINDS["ratings"][1], KINDS["ratings"][0]
    assert (older.name, copy.name) == ("duplicate_key", "exact_duplicate")
    for kind in (older, copy):
        lines, [(place, _, record)] = soil(kind)
        key = [record[column] for column in KEYS["ratings"]]
        same_key = [
            n
            for n, line in enumerate(lines)
            if [RATINGS.parse(line)[c] for c in KEYS["ratings"]] == key
        ]
        assert same_key == ([place, place + 1] if kind is older else [place - 1, place])


def test_a_row_to_be_thrown_out_has_a_key_that_no_clean_row_has() -> None:
    for entity in ("users", "ratings", "transactions", "events"):
        form = FORMATS[entity]
        thrown_out = [kind for kind in KINDS[entity] if kind.outcome == "quarantined"]
        values = (dict.fromkeys(form.columns, f"{n}:00Z") for n in range(60))
        clean = [form.render(record) for record in values]
        keys = {tuple(form.parse(line)[c] for c in KEYS[entity]) for line in clean}
        _, planted = soil(*thrown_out, form=form, lines=clean)
        spoiled = [tuple(record[c] for c in KEYS[entity]) for _, _, record in planted]
        assert len(spoiled) == len(set(spoiled)) == len(thrown_out)
        assert not keys & set(spoiled), entity


def test_rate_is_the_share_of_each_kind() -> None:
    lines = LINES * 2000
    _, planted = plant(
        np.random.default_rng(5), lines, KINDS["ratings"], RATINGS, 0.001, first_serial=1
    )
    kinds = len(KINDS["ratings"])
    # binomial: 100 each, a spread of 10; all kinds together 33 for 11 kinds
    assert abs(len(planted) - 100 * kinds) < 4 * 10 * kinds**0.5


def test_more_dirt_than_rows_touches_each_row_once() -> None:
    lines, planted = soil(*KINDS["ratings"], lines=LINES[:3])
    assert len(planted) == 3
    assert len(lines) <= 6


def test_a_day_without_rows_gets_no_dirt() -> None:
    assert soil(*KINDS["ratings"], lines=[]) == ([], [])


def test_hostile_texts_come_back_from_csv_as_they_are() -> None:
    form = FORMATS["transactions"]
    for text in HOSTILE:
        record = dict.fromkeys(form.columns, "1") | {"note": text}
        line = form.render(record)
        if "\n" not in text:
            assert form.parse(line) == record
        assert line.endswith('"') == any(sign in text for sign in ',"\n')
