"""Kinds of sources, one module each: where the records of an entity come from.

A shop file names the kind of a source by a tag, which is a key of the source: `files:`, `api:`,
`stream`. The module that implements a kind assigns an instance of it to `SOURCE`; nothing else
lists it. A kind is two things:

- `model`, the keys that a shop file may give: a subclass of `recomart.shop.sources.Source` whose
  `kind` is the tag;
- the methods of `SourceKind`. `discover` finds the objects that are there now (files, pages,
  queries); each becomes one batch. `fingerprint` says what is known of an object's bytes before
  they are read. `open` gives the bytes, which land as they are. `reader` reads what has landed.

Ingest asks only for these. What is new, what is loaded before and what is tried again is decided
in `ingestion/plan.py`, in the same way for all kinds: a kind keeps no account of its own.

The kernel imports the modules of this package whenever it reads a shop file. So a module imports
what is slow (an HTTP client, a database driver) inside the methods that use it; a module whose name
begins with an underscore only helps others, and holds no kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ingestion.declaration import Declaration, Model
from recomart.registry import Registry

if TYPE_CHECKING:
    from ingestion.readers.reader import Reader
    from recomart.errors import SourceError

Place = Literal["local", "remote", "lake"]


@dataclass(frozen=True)
class Found:
    """One object of a source, as discovered: its bytes become one batch.

    Args:
        name: what the ledger, and so every report, calls it; the same from ingest to ingest.
        ending: the file name ending of its landed copy, without a dot: csv, csv.gz, parquet. It
            says what the bytes are, and takes nothing from the object's name.
        size: its bytes, when known without reading it.
        path: the file, when the object is a file of this machine.
        title: what messages call it; its name by default.
        key: what its version is remembered under; its name by default.
        partial: it has only what changed since the last ingest, which may be nothing.
        handle: whatever else the kind needs to open it.
    """

    name: str
    ending: str
    size: int | None = None
    path: Path | None = None
    title: str | None = None
    key: str | None = None
    partial: bool = False
    handle: Any = field(default=None, compare=False)

    @property
    def shown(self) -> str:
        """What messages call it."""
        return self.title or self.name

    @property
    def remembered_as(self) -> str:
        """The key of its version."""
        return self.key or self.name


@dataclass(frozen=True)
class Discovery:
    """What a source has now. With problems, nothing of the source is loaded in this ingest."""

    objects: tuple[Found, ...] = ()
    problems: tuple[SourceError, ...] = ()


@dataclass(frozen=True)
class Fingerprint:
    """What is known of an object's bytes without landing them.

    Args:
        sha256: of the bytes. Equal bytes of an entity are loaded once, whatever they are called.
        version: the source's own word for a version (an ETag, a revision). Equal to the one that
            was remembered at the last load of the same object, it means that nothing changed.
        position: how far the entity's source was read, in words of the kind's own. It is remembered
            once the object is loaded, and `discover` gets it next time.
    """

    sha256: str | None = None
    version: str | None = None
    position: str | None = None


NOTHING_KNOWN = Fingerprint()


@dataclass(frozen=True)
class Memory:
    """What earlier ingests remembered of one entity's source.

    Args:
        position: how far the source was read, as `Fingerprint.position` said.
        versions: key of an object -> its version at the last load; None where it had none.
    """

    position: str | None = None
    versions: Mapping[str, str | None] = field(default_factory=dict)


class SourceKind(Protocol[Model]):
    """A kind of source. Inherit from it: what has a body here is a default."""

    model: type[Model]
    """The keys that a shop file may give."""

    place: Place
    """Where the objects are. local: files of this machine, which land and load a few at a time.
    remote: elsewhere; they all land first, while the warehouse is free for others. lake: in the
    landing zone already, so that nothing lands; only the stream's segments are."""

    @property
    def name(self) -> str:
        """The tag in a shop file."""
        return self.model.kind

    def place_of(self, source: Model) -> Place:
        """Where the objects of one source are, for a kind that has several places."""
        return self.place

    def check(self, declared: Declaration[Model]) -> None:
        """Check what the model cannot, before anything is discovered.

        Raises:
            ShopFileError: a key has a value that cannot work.
        """
        return

    def discover(self, declared: Declaration[Model], memory: Memory) -> Discovery:
        """The objects that the source has now, in the order in which they are to be loaded."""

    def fingerprint(self, declared: Declaration[Model], found: Found) -> Fingerprint:
        """What is known of an object's bytes now.

        Asked before landing, where it may save the work; and once more after a load, when its
        version is remembered. A local object whose size no batch has is not asked for.

        Raises:
            OSError: the object cannot be read.
        """
        return NOTHING_KNOWN

    def open(self, declared: Declaration[Model], found: Found) -> Iterator[bytes]:
        """The bytes of an object, in pieces of any size.

        An empty object gives one empty piece. No piece at all means that nothing changed since the
        last load (as an HTTP server says by 304).

        Raises:
            SourceError: the object cannot be had; says what to do.
            OSError: as SourceError, without advice.
        """

    def reader(self, source: Model) -> Reader:
        """What reads the landed bytes."""

    def preview(self, declared: Declaration[Model], found: Found, folder: Path) -> Path | None:
        """A local file for `recomart shop check` to look at, in the form that `reader` reads.

        Args:
            folder: for a temporary file, where the object is not a local file.

        Returns:
            The file; None when the object cannot be looked at now, which is not an error.

        Raises:
            SourceError: the source does not answer as it should.
        """
        return found.path


SOURCES: Registry[SourceKind[Any]] = Registry(
    "kind of source",
    "ingestion.sources",
    "SOURCE",
    SourceKind,  # type: ignore[type-abstract]  # only its members' names are read
)


def kind_of(declared: Declaration[Any]) -> SourceKind[Any]:
    """The kind of an entity's source."""
    return SOURCES.get(declared.source.kind)


def place_of(declared: Declaration[Any]) -> Place:
    """Where the objects of an entity's source are."""
    return kind_of(declared).place_of(declared.source)


def check_keys(declared: Declaration[Any]) -> None:
    """Check of a declaration what the shop file's reader could not.

    Raises:
        ShopFileError: a key has a value that cannot work.
    """
    if declared.origin is None:
        kind_of(declared).check(declared)


def local_files(declared: Declaration[Any]) -> Iterator[Path]:
    """The files of this machine that an entity's own source has now.

    Raises:
        SourceError: the source has a problem, and so may have more files.
    """
    if declared.origin is not None or place_of(declared) != "local":
        return
    discovery = kind_of(declared).discover(declared, Memory())
    for problem in discovery.problems:
        raise problem
    yield from (found.path for found in discovery.objects if found.path is not None)
