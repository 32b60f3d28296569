"""What an ingest decides, on hand-made states: no file, no database."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_store.ledger import FAILED, LOADED, REPLACED, BatchRecord
from ingestion import plan
from ingestion.actions import Action, Derive, Fold, Land, Load, Reload, Retry, Skip
from ingestion.history import History
from ingestion.plan import Arrived, Entity, Seen, plan_fetches, plan_loads, worth_fingerprinting
from ingestion.sources import Fingerprint, Found

RATINGS = Entity("ratings", "files", "m1")
PRODUCTS = Entity("products", "api", "m1")
USERS = Entity("users", "files", "m1", origin="ratings")


def batch(number: int, sha256: str | None, status: str = LOADED, **fields: object) -> BatchRecord:
    landed = None if sha256 is None else f"raw/{number}"
    known = BatchRecord(
        f"{number:08d}",
        "files",
        "ratings",
        "a.csv",
        landed,
        sha256,
        10,
        status=status,
        mapping="m1",
    )
    return replace(known, **fields)  # type: ignore[arg-type]


def history(*batches: BatchRecord) -> History:
    return History(batches, frozenset(b.landed_file for b in batches if b.landed_file))


def seen(name: str, sha256: str | None = None, size: int = 10, version: str | None = None) -> Seen:
    return Seen(Found(name, "csv", size), Fingerprint(sha256, version))


def loads(
    past: History, *objects: Seen, entities: tuple[Entity, ...] = (RATINGS,), **more: object
) -> tuple[Action, ...]:
    given = {"objects": {"ratings": objects}, "last_number": past.last_number, **more}
    return plan_loads(past, entities, **given)  # type: ignore[arg-type]


def test_a_new_object_lands_and_loads() -> None:
    one = seen("b.csv")
    assert loads(history(batch(7, "x")), one) == (
        Land("00000008", "ratings", one.found),
        Load("ratings", ("00000008",)),
    )


def test_bytes_that_are_loaded_are_skipped_under_any_name() -> None:
    found = loads(history(batch(1, "x")), seen("other.csv", "x"))
    assert found == (Skip("ratings", "other.csv", "loaded before"),)


def test_the_same_bytes_of_another_entity_are_no_reason_to_skip() -> None:
    past = history(batch(1, "x", entity="users"))
    assert isinstance(loads(past, seen("a.csv", "x"))[0], Land)


def test_a_remembered_version_is_skipped_and_another_one_is_not() -> None:
    entity = replace(RATINGS, versions={"a": "v1", "b": "v1"})
    actions = loads(history(), seen("a", version="v1"), seen("b", version="v2"), entities=(entity,))
    assert [type(action) for action in actions] == [Skip, Land, Load]


def test_bytes_that_failed_before_are_tried_again_in_their_batch() -> None:
    failed, one = batch(1, "x", FAILED), seen("b.csv", "x")
    assert loads(history(failed), one) == (
        Retry(failed, one.found),
        Load("ratings", ("00000001",)),
    )


def test_a_replaced_batch_comes_back_only_with_its_bytes() -> None:
    replaced = batch(1, "x", REPLACED, mapping="other")
    assert loads(history(replaced)) == ()
    assert loads(history(replaced), seen("a.csv", "x"))[0] == Retry(
        replaced, Found("a.csv", "csv", 10)
    )


def test_a_failed_batch_is_tried_from_its_landed_bytes_when_its_declaration_changed() -> None:
    failed = batch(1, "x", FAILED, mapping="old")
    assert loads(history(failed)) == (Retry(failed), Load("ratings", ("00000001",)))


def test_a_batch_that_the_machine_failed_is_tried_again_without_its_source() -> None:
    failed = batch(1, "x", FAILED, mapping=None)
    assert loads(history(failed))[0] == Retry(failed)


def test_a_failed_batch_waits_while_nothing_changed() -> None:
    assert loads(history(batch(1, "x", FAILED))) == ()


def test_a_failed_batch_whose_landed_file_is_gone_lands_again() -> None:
    past = History((batch(1, "x", FAILED, mapping="old"),))
    actions = loads(past, seen("a.csv", "x"))
    assert [type(action) for action in actions] == [Land, Load]


def test_a_changed_declaration_reloads_what_landed() -> None:
    old = batch(1, "x", mapping="old")
    assert loads(history(old)) == (Reload(old),)


def test_a_batch_of_another_kind_of_source_or_without_its_file_cannot_be_reloaded() -> None:
    fetched, gone = batch(1, "x", mapping="old", source="api"), batch(2, "y", mapping="old")
    past = History((fetched, gone), frozenset({"raw/1"}))
    assert loads(past) == tuple(
        Skip("ratings", "a.csv", "cannot be reloaded", batch=one) for one in (fetched, gone)
    )


def test_an_entity_that_is_no_longer_declared_is_left_alone() -> None:
    assert loads(history(batch(1, "x", mapping="old")), entities=(PRODUCTS,)) == ()


def test_of_equal_new_objects_one_lands_and_the_others_share_its_fate() -> None:
    actions = loads(history(), seen("a.csv", "x"), seen("b.csv", "x"))
    assert [type(action) for action in actions] == [Land, Load, Skip]
    assert actions[-1] == Skip("ratings", "b.csv", "same bytes", same_as="00000001")


def test_an_object_with_the_bytes_of_a_retried_batch_shares_its_fate() -> None:
    failed = batch(1, "x", FAILED, mapping="old")
    actions = loads(history(failed), seen("a.csv", "x"))
    assert actions[2:] == (Skip("ratings", "a.csv", "same bytes", same_as="00000001"),)


def test_small_objects_share_a_transaction_and_large_ones_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan, "GROUP_FILES", 3)
    monkeypatch.setattr(plan, "GROUP_BYTES", 100)
    sizes = [1, 2, 3, 4, 100, 5]
    actions = loads(history(), *(seen(f"{n}.csv", size=n) for n in sizes))
    grouped = [len(action.batch_ids) for action in actions if isinstance(action, Load)]
    assert grouped == [3, 2, 1]
    # each group is loaded before the next one lands, so a kill loses no more than a group
    assert [type(action) for action in actions] == [
        Land, Land, Land, Load, Land, Land, Load, Land, Load,
    ]  # fmt: skip


def test_fetches_are_landed_unless_their_version_is_remembered() -> None:
    entity = replace(PRODUCTS, versions={"u": "v1"})
    fresh, same = seen("q"), Seen(Found("p", "pages", key="u"), Fingerprint(version="v1"))
    actions = plan_fetches(history(), (entity,), {"products": [same, fresh]}, last_number=4)
    assert actions == (
        Skip("products", "p", "loaded before"),
        Land("00000005", "products", fresh.found),
    )


def test_a_partial_fetch_is_loaded_for_its_news_only_unless_something_is_made_from_it() -> None:
    arrived = [Arrived(batch(5, "x", entity="products", source="api"), partial=True)]
    made = replace(USERS, origin="products", kind="api")
    alone = loads(history(), entities=(PRODUCTS,), arrived=arrived)
    assert alone == (Load("products", ("00000005",), only_news=True),)
    both = loads(history(), entities=(PRODUCTS, made), arrived=arrived)
    assert both[0] == Load("products", ("00000005",))


def test_a_failed_fetch_that_arrived_again_is_loaded_once() -> None:
    failed = batch(1, "x", FAILED, entity="products", source="api", mapping="old")
    actions = loads(history(failed), entities=(PRODUCTS,), arrived=[Arrived(failed)])
    assert actions == (Load("products", ("00000001",)),)


def test_lists_are_derived_from_old_and_new_batches_of_their_origin() -> None:
    past = history(batch(1, "x"), batch(2, "y"), batch(3, "x", entity="users"))
    actions = loads(past, seen("c.csv"), entities=(USERS, RATINGS))
    assert actions[2:] == (
        Derive("00000005", "users", "00000002"),
        Derive("00000006", "users", "00000004"),
        Load("users", ("00000005", "00000006")),
    )


def test_a_derived_batch_that_failed_keeps_its_id() -> None:
    failed = batch(2, "x", FAILED, entity="users")
    actions = loads(history(batch(1, "x"), failed), entities=(USERS, RATINGS))
    assert actions[0] == Derive("00000002", "users", "00000001", failed)


def test_nothing_is_derived_from_segments_and_they_are_never_reloaded() -> None:
    events = Entity("events", "files", "m2")
    made = Entity("users", "files", "m1", origin="events")
    segment = batch(1, "x", entity="events", source="stream", mapping=None)
    assert loads(history(segment), entities=(events, made)) == ()


def test_segments_are_folded_once_and_tried_again_when_they_failed() -> None:
    known = [
        batch(n, str(n), state, entity="events", source="stream", landed_file=f"raw/stream/{n}")
        for n, state in ((1, LOADED), (2, FAILED))
    ]
    found = [Found(f"raw/stream/{n}", "jsonl.gz", 5) for n in (1, 2, 3)]
    assert loads(history(*known), entities=(), segments=found) == (
        Fold((("00000002", found[1], known[1]), ("00000003", found[2], None))),
    )


def test_only_sizes_that_are_known_are_worth_hashing() -> None:
    past = history(batch(1, "x", bytes=10))
    found = [Found("a", "csv", size) for size in (10, 20, 30, 30)] + [Found("q", "pages")]
    assert worth_fingerprinting(past, "ratings", found) == [True, False, True, True, True]
    assert worth_fingerprinting(past, "users", found[:2]) == [False, False]


# --- any history of files and failures: nothing is lost, nothing is loaded twice


@dataclass
class World:
    """A lake in memory: it carries out plans as the executor does, with failures to order."""

    rows: dict[str, BatchRecord] = field(default_factory=dict)
    mapping: int = 0

    def ingest(
        self, files: dict[str, int], bad: set[int], torn: set[int], changed: bool
    ) -> list[Action]:
        """One ingest of files (name -> content).

        Args:
            bad: contents that do not load now.
            torn: contents that do not land now.
            changed: whether the declaration is another one than before.
        """
        self.mapping += changed
        entities = (
            Entity("ratings", "files", f"m{self.mapping}"),
            Entity("users", "files", f"m{self.mapping}", origin="ratings"),
        )
        past = history(*(self.rows[key] for key in sorted(self.rows)))
        found = [Found(name, "csv", size=content % 3) for name, content in sorted(files.items())]
        asked = worth_fingerprinting(past, "ratings", found)
        objects = [
            Seen(one, Fingerprint(str(files[one.name])) if hashed else Fingerprint())
            for one, hashed in zip(found, asked, strict=True)
        ]
        actions = plan_loads(past, entities, {"ratings": objects}, last_number=past.last_number)
        self._check(actions, found)
        ready: dict[str, BatchRecord] = {}
        for action in actions:
            match action:
                case Land(batch_id, entity, one):
                    content = files[one.name]
                    if content not in torn:
                        assert batch_id not in self.rows
                        ready[batch_id] = BatchRecord(
                            batch_id, "files", entity, one.name, f"raw/{batch_id}", str(content),
                            content % 3,
                        )  # fmt: skip
                case Retry(known):
                    ready[known.batch_id] = known
                case Derive(batch_id, entity, origin, failed):
                    row = self.rows.get(origin)
                    if row is not None and row.status == LOADED:
                        made = failed or replace(row, batch_id=batch_id, entity=entity)
                        ready[batch_id] = replace(made, sha256=row.sha256, bytes=row.bytes)
                case Load(_, ids):
                    for batch_id in ids:
                        if batch_id in ready:
                            self._load(ready.pop(batch_id), bad)
                case Reload(known):
                    if int(known.sha256 or 0) not in bad:
                        self._load(known, bad)
                case Skip() | Fold():
                    pass
        assert not ready
        return list(actions)

    def _load(self, known: BatchRecord, bad: set[int]) -> None:
        status = FAILED if int(known.sha256 or 0) in bad else LOADED
        self.rows[known.batch_id] = replace(known, status=status, mapping=f"m{self.mapping}")

    def _check(self, actions: tuple[Action, ...], found: list[Found]) -> None:
        named = [a.found.name for a in actions if isinstance(a, Land)]
        named += [a.found.name for a in actions if isinstance(a, Retry) and a.found]
        named += [
            a.name for a in actions if isinstance(a, Skip) and a.reason != "cannot be reloaded"
        ]
        assert sorted(named) == sorted(one.name for one in found)
        made_ready = [a.batch_id for a in actions if isinstance(a, Land | Derive)]
        made_ready += [a.batch.batch_id for a in actions if isinstance(a, Retry)]
        to_load = [one for a in actions if isinstance(a, Load) for one in a.batch_ids]
        assert sorted(made_ready) == sorted(to_load)
        assert max(Counter(to_load).values(), default=1) == 1

    def loaded(self, entity: str) -> Counter[str | None]:
        found = (b.sha256 for b in self.rows.values() if b.status == LOADED and b.entity == entity)
        return Counter(found)


contents = st.integers(0, 5)
days = st.tuples(
    st.dictionaries(st.sampled_from("abcd"), contents, max_size=4),
    st.sets(contents, max_size=3),
    st.sets(contents, max_size=2),
    st.booleans(),
)


@given(st.lists(days, min_size=1, max_size=6))
@settings(max_examples=300, deadline=None)
def test_whatever_fails_no_file_is_lost_or_loaded_twice(
    course: list[tuple[dict[str, int], set[int], set[int], bool]],
) -> None:
    world = World()
    for files, bad, torn, changed in course:
        world.ingest(files, bad, torn, changed)
        for entity in ("ratings", "users"):
            assert max(world.loaded(entity).values(), default=1) == 1
    files = {name: content for files, *_ in course for name, content in files.items()}
    world.ingest(files, set(), set(), changed=True)
    for entity in ("ratings", "users"):
        loaded = world.loaded(entity)
        assert max(loaded.values(), default=1) == 1
        assert loaded.keys() >= {str(content) for content in files.values()}
    assert world.loaded("users").keys() == world.loaded("ratings").keys()
    assert all(b.mapping == f"m{world.mapping}" for b in world.rows.values() if b.status == LOADED)
    again = world.ingest(files, set(), set(), changed=False)
    assert {type(action) for action in again} <= {Skip}
