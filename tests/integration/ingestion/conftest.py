"""A shop of one's own in a temporary folder, for what loads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import duckdb
import pytest

from recomart.settings import Settings, load_settings

RATINGS = """
ratings:
  files: "in/*.csv"
  columns: {user_id: user, product_id: item, rating: stars, rated_at: time}
"""


class UserShop:
    """A shop file `own.yml`, a folder `in/` of source files, and a lake."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.declare(RATINGS)

    @property
    def settings(self) -> Settings:
        return load_settings(
            shop=str(self.folder / "own.yml"), lake=self.folder / "lake", threads=2
        )

    def declare(self, sources: str) -> None:
        text = "title: Own shop\nas_of: data_end\n" + dedent(sources)
        (self.folder / "own.yml").write_text(text)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def landed(self) -> list[str]:
        """Files in the landing zone, hidden ones too, from the lake."""
        lake = self.settings.lake
        return sorted(
            path.relative_to(lake).as_posix()
            for path in (lake / "raw").rglob("*")
            if path.is_file()
        )


@pytest.fixture(scope="session")
def make_user_shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], UserShop]:
    return lambda: UserShop(tmp_path_factory.mktemp("user_shop"))


@pytest.fixture
def user_shop(make_user_shop: Callable[[], UserShop]) -> UserShop:
    return make_user_shop()


@pytest.fixture
def error_of() -> Callable[..., str]:
    """The rendered error that a call raises."""

    def rendered(call: Callable[..., object], *arguments: object) -> str:
        from recomart.errors import RecoMartError

        with pytest.raises(RecoMartError) as caught:
            call(*arguments)
        return str(caught.value)

    return rendered
