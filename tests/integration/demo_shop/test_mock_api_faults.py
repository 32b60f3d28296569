import pytest

from demo_shop.mock_api import Fault, Faults
from recomart.errors import ConfigurationError


def test_texts_become_faults() -> None:
    assert Faults.parse("500:every=3", "slow:rate=0.1:seconds=2.5", "429").rules == (
        Fault("500", every=3),
        Fault("slow", rate=0.1, seconds=2.5),
        Fault("429"),
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("503", "kinds: 429, 500"),
        ("500:evry=3", "options: every, first, rate, seconds"),
        ("500:every=0", "'0' is not a value for every"),
        ("500:rate=1.5", "'1.5' is not a value for rate"),
        ("slow:seconds=nan", "'nan' is not a value for seconds"),
        ("500:every", "'' is not a value for every"),
    ],
)
def test_text_that_is_no_fault_is_explained(text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        Faults.parse(text)


def test_first_fault_that_strikes_is_the_one_that_shows() -> None:
    faults = Faults.parse("500:every=2", "slow:every=3")
    kinds = [fault.kind if (fault := faults.at(n)) else None for n in range(1, 7)]
    assert kinds == [None, "500", "slow", "500", None, "500"]


def test_share_strikes_the_same_requests_each_time() -> None:
    struck = [n for n in range(1, 1001) if Faults.parse("500:rate=0.2").at(n)]
    assert struck == [n for n in range(1, 1001) if Faults.parse("500:rate=0.2").at(n)]
    assert 150 < len(struck) < 250
    other_seed = Faults(Faults.parse("500:rate=0.2").rules, seed=8)
    assert struck != [n for n in range(1, 1001) if other_seed.at(n)]


def test_no_faults_unless_asked_for() -> None:
    assert Faults().at(1) is None
