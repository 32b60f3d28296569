import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo_shop import generate, generated
from demo_shop.dirt import NO_UTF8
from demo_shop.kinds import KINDS
from demo_shop.text import FORMATS
from ingestion.shop_file import load_shop
from ingestion.sources.files import FileSource
from recomart.errors import WrongLake
from recomart.settings import PROJECT_ROOT, Settings, load_settings
from recomart.shop.model import KEYS

MADE = {"scale": 0.3, "seed": 7, "end_date": "2026-03-31"}
Truth = list[dict[str, Any]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = load_settings(shop="demo", lake=tmp_path_factory.mktemp("demo") / "lake")
    generate(settings, **MADE)
    return settings


@pytest.fixture(scope="module")
def truth(shop: Settings) -> Truth:
    return json.loads((shop.source_data / "dirt_truth.json").read_text(encoding="utf-8"))


def hashes(settings: Settings) -> dict[str, str]:
    root = settings.source_data
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_equal_plans_give_equal_bytes(shop: Settings, settings: Settings) -> None:
    generate(settings, **MADE)
    assert hashes(settings) == hashes(shop)


def test_another_seed_gives_another_shop(shop: Settings, settings: Settings) -> None:
    generate(settings, **(MADE | {"seed": 8}))
    ours, theirs = hashes(settings), hashes(shop)
    assert ours["catalogue.json"] != theirs["catalogue.json"]
    assert ours["events/2026-03-01.jsonl"] != theirs["events/2026-03-01.jsonl"]


def test_each_of_the_last_seven_days_has_events_and_each_whole_one_orders_and_ratings(
    shop: Settings,
) -> None:
    last = date(2026, 3, 31)
    for days in range(7):
        day = (last - timedelta(days=days)).isoformat()
        names = [f"events/{day}.jsonl"]
        if days:  # the last day has two hours only, and this shop is a small one
            names += [f"ratings/{day}.csv", f"transactions/{day}.csv"]
        for name in names:
            assert (
                len((shop.source_data / name).read_text(errors="surrogateescape").splitlines()) > 1
            ), name


def test_manifest_counts_what_the_files_hold(shop: Settings, truth: Truth) -> None:
    manifest = json.loads((shop.source_data / "manifest.json").read_text())
    assert {key: manifest[key] for key in MADE} == MADE
    planted = Counter(entry["entity"] for entry in truth)
    assert manifest["planted"] == dict(planted)
    events = sum(
        len(path.read_text(errors="surrogateescape").splitlines())
        for path in (shop.source_data / "events").iterdir()
    )
    products = json.loads((shop.source_data / "catalogue.json").read_text())
    assert manifest["records"]["events"] == events == pytest.approx(30_000, rel=0.06)
    assert manifest["records"]["products"] == len(products)
    share = sum(planted.values()) / sum(manifest["records"].values())
    assert 0.005 < share < 0.02


def test_result_says_what_was_made(settings: Settings) -> None:
    seen: list[tuple[str, int, int]] = []
    result = generate(
        settings, scale=0.02, end_date="2026-03-31", progress=lambda *step: seen.append(step)
    )
    manifest = json.loads((settings.source_data / "manifest.json").read_text())
    assert result.count == sum(manifest["records"].values())
    assert seen[0] == ("days", 1, 120)
    assert seen[-1] == ("days", 120, 120)


def test_shop_file_maps_or_ignores_every_column_of_the_files(shop: Settings) -> None:
    sources = load_shop(shop).shop.sources()
    for entity, form in FORMATS.items():
        source = sources[entity]
        assert isinstance(source, FileSource)
        assert sorted([*source.reads, *source.ignore]) == sorted(form.columns)
        paths = list((shop.source_data / entity).iterdir())
        assert {path.suffix for path in paths} == {f".{form.ending}"}
        if form.header is not None:
            assert {path.read_text(errors="surrogateescape").splitlines()[0] for path in paths} == {
                form.header
            }
    products = json.loads((shop.source_data / "catalogue.json").read_text())
    assert set(products[0]) == set(sources["products"].reads)


def test_every_kind_of_dirt_is_there(truth: Truth) -> None:
    planted = {(entry["entity"], entry["kind"], entry["reason"]) for entry in truth}
    assert planted == {
        (entity, kind.name, kind.reason) for entity, kinds in KINDS.items() for kind in kinds
    }


def test_every_planted_row_stands_in_its_file_at_its_line(shop: Settings, truth: Truth) -> None:
    files = {entry["file"] for entry in truth}
    lines = {
        file: (shop.source_data / file)
        .read_text(encoding="utf-8", errors="surrogateescape")
        .split("\n")
        for file in files
    }
    for entry in truth:
        below = lines[entry["file"]][entry["line"] - 1 :]
        if entry["outcome"] == "rejected":
            assert not _is_record(entry, below[0]), entry
        else:
            record = _record(entry, below)
            key = {column: record[column] for column in KEYS[entry["entity"]]}
            assert key == entry["key"]
            assert _shows(entry, record), (entry, record)


def test_a_shop_of_another_name_keeps_its_lake(settings: Settings) -> None:
    generate(settings, scale=0.01)
    other = settings.model_copy(update={"shop": "movielens_100k"})
    with pytest.raises(WrongLake):
        generate(other, scale=0.01)
    assert generated(settings)


class Interrupted(Exception):
    pass


def _interrupt(what: str, done: int, total: int) -> None:
    if done == 40:
        raise Interrupted


def test_an_interrupted_generation_leaves_nothing_behind(settings: Settings) -> None:
    with pytest.raises(Interrupted):
        generate(settings, scale=0.02, progress=_interrupt)
    assert not generated(settings)
    assert not settings.source_data.exists()
    assert not list(settings.lake.glob(".source_data*"))


def test_an_interrupted_generation_leaves_the_last_one_as_it_was(settings: Settings) -> None:
    generate(settings, scale=0.02, seed=1, end_date="2026-03-31")
    before = hashes(settings)
    with pytest.raises(Interrupted):
        generate(settings, scale=0.02, seed=2, end_date="2026-03-31", progress=_interrupt)
    assert generated(settings)
    assert hashes(settings) == before


def test_a_killed_generation_is_not_taken_for_a_whole_one(
    shop: Settings, settings: Settings
) -> None:
    script = (
        "import os, signal\n"
        "from demo_shop import generate\n"
        "from recomart.settings import load_settings\n"
        "def kill(what, done, total):\n"
        "    if done == 60: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"generate(load_settings(), **{MADE!r}, progress=kill)\n"
    )
    killed = _python(script, settings)
    assert killed.returncode == -signal.SIGKILL
    assert list(settings.lake.glob(".source_data*"))
    assert not generated(settings)
    generate(settings, **MADE)
    assert hashes(settings) == hashes(shop)
    assert not list(settings.lake.glob(".source_data*"))


def test_memory_does_not_grow_with_the_history(tmp_path: Path) -> None:
    """Peak memory of a process each; the files of the second hold 55 MB more."""
    script = (
        "import resource\n"
        "from demo_shop import generate\n"
        "from recomart.settings import load_settings\n"
        "generate(load_settings())\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for scale in (0.5, 3):
        lake = load_settings(shop="demo", lake=tmp_path / f"lake{scale}", scale=scale)
        done = _python(script, lake, RECOMART_SCALE=str(scale))
        unit = 1 if sys.platform == "darwin" else 1024
        peaks.append(int(done.stdout) * unit)
        written = sum(p.stat().st_size for p in lake.source_data.rglob("*") if p.is_file())
    assert written > 60e6
    assert peaks[1] - peaks[0] < 30e6


def _python(script: str, settings: Settings, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **settings.environment(), **more},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def _record(entry: dict[str, Any], below: list[str]) -> dict[str, Any]:
    """The record that begins at the first of these lines; a quoted one may take several."""
    if entry["file"].endswith(".csv"):
        columns = FORMATS[entry["entity"]].columns
        values = next(csv.reader(line + "\n" for line in below))
        return dict(zip(columns, values, strict=True))
    return json.loads(below[0].removesuffix(","))


def _is_record(entry: dict[str, Any], line: str) -> bool:
    if NO_UTF8 in line:
        return False
    if entry["file"].endswith(".csv"):
        return len(next(csv.reader([line]))) == len(FORMATS[entry["entity"]].columns)
    try:
        record = json.loads(line.removesuffix(","))
    except json.JSONDecodeError:
        return False
    return type(record) is dict


def _shows(entry: dict[str, Any], record: dict[str, Any]) -> bool:
    """Whether a record has what its kind of dirt claims."""
    values = {str(value) for value in record.values()}
    shown = {
        "exact_duplicate": True,
        "duplicate_key": True,
        "missing_key": bool({"", "None"} & values),
        "missing_value": bool({"", "None"} & values),
        "wrong_type": bool({"abcd", "on request", "five", "two", "yesterday", "soon"} & values),
        "out_of_range": bool({"1492", "-19.99", "11", "0", "-5.00"} & values),
        "unknown_user": "u-gone" in values,
        "unknown_product": "p-gone" in values,
        "unknown_type": "hover" in values,
        "future_time": any(value[:2] in ("20", "21") and value > "2098" for value in values),
        "before_opening": any(value[:3] in ("197", "198", "199") for value in values),
        "outlier": bool({"99999.99", "480"} & values),
        "rare_value": str(record.get("brand"))[-1:].isdigit(),
        "quarantined_user": "u-1492" in values,
        "hostile_text": any(sign in "".join(values) for sign in "<=';\n@{"),
    }
    return bool(shown[entry["kind"]])
