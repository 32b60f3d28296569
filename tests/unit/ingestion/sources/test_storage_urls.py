"""URLs of files elsewhere: what they name, what they hide, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingestion.declaration import declarations
from ingestion.shop_file import load_shop
from ingestion.sources import check_keys, place_of
from ingestion.sources._storage import StorageUrl, is_url, version_of
from recomart.errors import ShopFileError, StorageError
from recomart.settings import load_settings


def declared(folder: Path, files: str) -> Any:
    (folder / "own.yml").write_text(
        f"title: Own\nratings:\n  files: {files}\n  columns: {{user_id: u, product_id: p, rating: r, rated_at: t}}\n"
    )
    settings = load_settings(shop=str(folder / "own.yml"), lake=folder / "lake")
    return declarations(settings, load_shop(settings))["ratings"]


def test_a_url_is_no_path() -> None:
    assert [is_url(p) for p in ("s3://b/k", "https://h/*.csv", "a/b.csv", "/a:/b", "{data}/x")] == [
        True, True, False, False, False
    ]  # fmt: skip


def test_a_source_with_a_url_is_fetched_first(tmp_path: Path) -> None:
    assert place_of(declared(tmp_path, '"a/*.csv"')) == "local"
    assert place_of(declared(tmp_path, '["a/*.csv", "s3://b/*.csv"]')) == "remote"


def test_a_secret_of_the_environment_is_in_the_url_and_in_no_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "hunter2")
    url = StorageUrl("https://h/a.csv?token={env:SHOP_TOKEN}&x={env:NOT_SET}")
    assert url.text == "https://h/a.csv?token=hunter2&x="
    assert url.unset == ["NOT_SET"]
    assert url.without_secrets("404: https://h/a.csv?token=hunter2") == (
        "404: https://h/a.csv?token={env:SHOP_TOKEN}"
    )


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ("sftp://shop:hunter2@host/a.csv", "a URL in the shop file has a password"),
        ("https://host/a.csv?sig=hunter2", "a secret: the parameter sig"),
        ("s3n://bucket/a.csv", "no filesystem has URLs that begin with s3n://"),
    ],
)
def test_a_url_with_a_secret_or_an_unknown_scheme_is_refused(
    tmp_path: Path, files: str, message: str
) -> None:
    with pytest.raises(ShopFileError, match=message) as caught:
        check_keys(declared(tmp_path, f'"{files}"'))
    assert "hunter2" not in str(caught.value)


def test_an_unset_variable_is_an_error_of_the_source(tmp_path: Path) -> None:
    from ingestion.sources._storage import objects_of

    url = "https://host/a.csv?token={env:NO_SUCH_TOKEN}"
    one = declared(tmp_path, f'"{url}"')
    check_keys(one)
    with pytest.raises(StorageError, match="a part of the URL of ratings is not set"):
        objects_of(url, one)


@pytest.mark.parametrize(
    ("info", "version"),
    [
        ({"ETag": '"ab"', "size": 3, "LastModified": 1}, "etag=ab size=3"),
        ({"mtime": 12, "size": 3}, "mtime=12 size=3"),
        ({"size": 3}, None),
    ],
)
def test_a_version_is_the_stores_tag_or_else_the_time_of_the_last_change(
    info: dict[str, Any], version: str | None
) -> None:
    assert version_of(info) == version
