"""What is still wrong after an ingest, from its outcomes in order."""

from __future__ import annotations

from feature_store.ledger import FAILED, LOADED, REPLACED, BatchRecord
from ingestion.outcomes import Failed, Loaded, Refused, Unchanged, settle
from recomart.errors import SourceError


def batch(number: int, name: str, status: str = FAILED) -> BatchRecord:
    return BatchRecord(f"{number:08d}", "files", "ratings", name, sha256=str(number), status=status)


ERROR = SourceError("broken")


def test_a_failure_is_named_by_its_file() -> None:
    assert settle((), [Failed(batch(1, "a"), ERROR)]).failures == {"a": ERROR}


def test_a_loaded_file_replaces_what_failed_of_it_before() -> None:
    old, other = batch(1, "a"), batch(2, "b")
    done = settle((old, other), [Loaded(batch(3, "a", LOADED))])
    assert [(b.batch_id, b.status) for b in done.replaced] == [("00000001", REPLACED)]


def test_a_file_that_is_put_back_replaces_what_failed_of_it_before() -> None:
    done = settle((batch(1, "a", LOADED), batch(2, "a")), [Unchanged("ratings", "a")])
    assert [b.batch_id for b in done.replaced] == ["00000002"]


def test_an_error_that_the_same_ingest_makes_good_is_withdrawn_everywhere() -> None:
    outcomes = [
        Failed(batch(1, "a"), ERROR),
        Refused("same bytes", ERROR),
        Loaded(batch(2, "a", LOADED)),
    ]
    done = settle((batch(1, "a"),), outcomes)
    assert done.failures == {}
    assert [b.batch_id for b in done.replaced] == ["00000001"]


def test_a_newer_version_that_fails_after_an_older_one_loaded_stays_failed() -> None:
    newer = batch(3, "a")
    done = settle((batch(1, "a"),), [Loaded(batch(1, "a", LOADED)), Failed(newer, ERROR)])
    assert done.failures == {"a": ERROR}
    assert done.replaced == ()


def test_a_loaded_batch_says_nothing_of_a_newer_failed_version() -> None:
    done = settle((batch(1, "a"), batch(2, "a")), [Loaded(batch(1, "a", LOADED))])
    assert done.replaced == ()


def test_a_source_that_was_not_found_stays_refused() -> None:
    done = settle((), [Refused("ratings", ERROR), Loaded(batch(1, "a", LOADED))])
    assert done.failures == {"ratings": ERROR}
