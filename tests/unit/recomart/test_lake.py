import pytest

from recomart.errors import WrongLake
from recomart.lake import open_lake
from recomart.settings import Settings


def test_lake_refuses_another_shop(settings: Settings) -> None:
    open_lake(settings)
    other = settings.model_copy(update={"shop": "movielens_100k"})
    with pytest.raises(WrongLake, match="is the lake of shop 'demo', not of 'movielens_100k'"):
        open_lake(other)


def test_lake_opens_again_for_its_shop(settings: Settings) -> None:
    assert open_lake(settings) == open_lake(settings) == settings.lake
