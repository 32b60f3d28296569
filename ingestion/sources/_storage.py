"""Objects of other filesystems, through fsspec: what a URL with a glob names, and their bytes.

An object is known by its URL, and its state by a version: the store's tag (ETag, generation) or the time of
its last change, with its size. Credentials are the driver's own affair, and come from the environment;
what a URL itself has to carry is written `{env:NAME}` and never shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from ingestion.sources import Found
from ingestion.sources._credentials import SECRET_PARAMETERS as _API_SECRETS
from recomart.errors import ObjectChanged, ShopFileError, SourceMissing, StorageError, did_you_mean

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    from ingestion.declaration import Declaration

PIECE_BYTES = 16 << 20
"""So much of an object is asked for at a time."""
CONNECT_SECONDS, ANSWER_SECONDS = 10, 60
_URL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://(.*)", re.DOTALL)
_SECRET = re.compile(r"\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_PASSWORD = re.compile(r"[^/@]*:[^/@]*@")
SECRET_PARAMETERS = _API_SECRETS | {"sig", "signature", "x-amz-signature", "x-amz-security-token"}
"""Parameters of a URL that are credentials: of APIs, and of links that a store has signed."""
_TAGS = ("ETag", "etag", "generation", "md5", "Content-MD5", "md5Hash")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "Last-Modified")
_REFUSALS = ("Credential", "Authentication", "Refresh", "Forbidden", "Unauthorized")
"""What drivers' errors about credentials have in their names."""


@dataclass(frozen=True)
class Driver:
    """The package behind a scheme of URLs.

    Args:
        extra: the extra of RecoMart that installs it; None when RecoMart always has it.
        credentials: where the driver looks for them, for an error.
        options: limits of time, and no listing from a cache, in the driver's terms.
    """

    package: str
    extra: str | None
    credentials: str
    options: Mapping[str, Any] = field(default_factory=dict)


_UNCACHED = {"use_listings_cache": False}
_S3 = Driver(
    "s3fs",
    "s3",
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or FSSPEC_S3_ANON=true for a public bucket",
    {
        "config_kwargs": {
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": ANSWER_SECONDS,
            "retries": {"max_attempts": 2},
        },
        **_UNCACHED,
    },
)
_AZURE = Driver(
    "adlfs",
    "azure",
    "AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
    _UNCACHED,
)
_HTTP = Driver("aiohttp", None, "a part of the URL as {env:NAME}", _UNCACHED)
DRIVERS: dict[str, Driver] = {
    "s3": _S3,
    "gs": Driver("gcsfs", "gcs", "GOOGLE_APPLICATION_CREDENTIALS", _UNCACHED),
    "az": _AZURE,
    "abfs": _AZURE,
    "sftp": Driver(
        "paramiko",
        "sftp",
        "your SSH keys and agent, or FSSPEC_SFTP_USERNAME and FSSPEC_SFTP_PASSWORD",
        {"timeout": CONNECT_SECONDS, "banner_timeout": CONNECT_SECONDS},
    ),
    "https": _HTTP,
    "http": _HTTP,
}
"""By the scheme of a URL."""


@dataclass
class RemoteObject:
    """An object of another filesystem.

    Args:
        version: of the bytes that were read last, or of those that were listed; None when the store
            has neither a tag nor a time.
    """

    store: Store
    path: str
    size: int | None
    version: str | None
    listed: bool = True


@dataclass(frozen=True)
class Store:
    """A filesystem and the pattern that is looked for in it."""

    files: AbstractFileSystem
    path: str
    url: StorageUrl


class StorageUrl:
    """A URL of a shop file: its scheme, and its text with and without the secrets of `{env:NAME}`."""

    def __init__(self, pattern: str) -> None:
        match = _URL.fullmatch(pattern)
        assert match is not None, "is_url was asked"
        self.pattern = pattern
        self.scheme = match[1].lower()
        self.place = match[2].partition("/")[0]
        self._secrets = {
            f"{{env:{name}}}": os.environ.get(name, "") for name in _SECRET.findall(pattern)
        }

    @property
    def unset(self) -> list[str]:
        """The variables that it names and the environment lacks."""
        return [key[len("{env:") : -1] for key, value in self._secrets.items() if not value]

    @property
    def text(self) -> str:
        """The URL itself, secrets and all."""
        text = self.pattern
        for key, value in self._secrets.items():
            text = text.replace(key, value)
        return text

    def without_secrets(self, text: str) -> str:
        """A text with each secret's name in its place."""
        for key, value in self._secrets.items():
            if value:
                text = text.replace(value, key)
        return text


def is_url(pattern: str) -> bool:
    """Whether a pattern of `files` is a URL, and no path of this machine."""
    return _URL.fullmatch(pattern) is not None


def check_url(pattern: str, declared: Declaration[Any]) -> None:
    """Check a URL before anything is looked for.

    Raises:
        ShopFileError: no driver has its scheme, or it has a password or another secret.
    """
    url = StorageUrl(pattern)
    place = declared.where("files").partition("   ")[0]  # without the URL, which may have a secret
    if url.scheme not in DRIVERS:
        raise ShopFileError(
            f"no filesystem has URLs that begin with {url.scheme}://",
            where=place,
            help=f"{did_you_mean(url.scheme, DRIVERS)}known are {', '.join(DRIVERS)}",
        )
    if _PASSWORD.match(url.place):
        raise ShopFileError(
            "a URL in the shop file has a password",
            where=place,
            help=f"take it out; it comes from the environment: {DRIVERS[url.scheme].credentials}",
        )
    literal = _SECRET.sub("", url.pattern)
    for name, value in parse_qsl(urlsplit(literal).query):
        if value and name.lower() in SECRET_PARAMETERS:
            raise ShopFileError(
                f"a URL in the shop file has a secret: the parameter {name}",
                where=place,
                help=f"take it out, export it as a variable, and write {name}={{env:VARIABLE}}",
            )


def objects_of(pattern: str, declared: Declaration[Any]) -> dict[str, RemoteObject]:
    """The objects that a URL names now, by their names in the ledger.

    Raises:
        SourceMissing: nothing matches, or the driver is not installed.
        StorageError: the store is not reachable, or refuses; or a variable is not set.
    """
    url = StorageUrl(pattern)
    where = declared.where("files")
    if url.unset:
        raise StorageError(
            f"a part of the URL of {declared.entity} is not set",
            code="missing-variable",
            where=where,
            found=f"${url.unset[0]} is unset or empty",
            help=f"export {url.unset[0]}=<that part of the URL>",
        )
    store = _store(url, where)
    with _explained(url, f"the files of {declared.entity} cannot be listed", where):
        found = _listed(store)
    objects = {
        url.without_secrets(_name(url, path)): RemoteObject(
            store, path, info.get("size"), version_of(info)
        )
        for path, info in found.items()
        if info.get("type") != "directory" and not path.endswith("/")
    }
    if not objects:
        raise SourceMissing(
            f"no object matches {pattern}",
            code="missing-files",
            where=where,
            found=_nearby(store),
            help="check the bucket or folder and the pattern",
        )
    return objects


def _store(url: StorageUrl, where: str) -> Store:
    from fsspec.config import conf
    from fsspec.core import url_to_fs

    driver = DRIVERS[url.scheme]
    if find_spec(driver.package) is None:
        raise SourceMissing(
            f"the driver for {url.scheme}:// is not installed",
            code="missing-driver",
            where=where,
            found=f"no package {driver.package}",
            help=f"install RecoMart with its extra: pip install 'recomart[{driver.extra}]'",
        )
    set_outside = conf.get(url.scheme, {})
    options = {key: value for key, value in driver.options.items() if key not in set_outside}
    with _explained(url, f"{url.scheme}://{url.place} cannot be opened", where):
        files, path = url_to_fs(url.text, skip_instance_cache=True, **options)
        return Store(files, path, url)


def _listed(store: Store) -> dict[str, dict[str, Any]]:
    if not _has_magic(store.path):
        try:
            return {store.path: store.files.info(store.path)}
        except FileNotFoundError as exc:
            if _is_absent(exc):
                return {}
            raise
    found: dict[str, dict[str, Any]] = store.files.glob(store.path, detail=True)
    # a page of links says neither size nor version
    return {
        path: info if info.get("size") is not None else store.files.info(path)
        for path, info in found.items()
        if info.get("type") != "directory"
    }


def _has_magic(path: str) -> bool:
    """Whether a path is a glob; a question mark begins the query of an HTTP URL."""
    return any(sign in path for sign in ("*[" if is_url(path) else "*?["))


def version_of(info: Mapping[str, Any]) -> str | None:
    """What changes when an object's bytes change; None when its store has no such thing."""
    for key in (*_TAGS, *_TIMES):
        if info.get(key):
            return f"{key.lower()}={str(info[key]).strip(chr(34))} size={info.get('size')}"
    return None


def bytes_of(found: Found, where: str) -> Iterator[bytes]:
    """The bytes of an object, in pieces; one empty piece for an empty object.

    Raises:
        ObjectChanged: it changed while it was read; reading it again may help.
        StorageError: the store is not reachable, refuses, or the object is gone.
    """
    remote: RemoteObject = found.handle
    files, url = remote.store.files, remote.store.url
    with _explained(url, f"{found.name} cannot be read", where):
        if not remote.listed:
            info = files.info(remote.path)
            remote.size, remote.version = info.get("size"), version_of(info)
        remote.listed = False
        done = 0
        try:
            for piece in _pieces(files, remote.path, remote.size):
                yield piece
                done += len(piece)
        except OSError as exc:
            now = files.info(remote.path)
            if version_of(now) != remote.version:  # then no driver goes on reading
                raise _changed(found, remote, now, done, where) from exc
            raise
        now = files.info(remote.path)
        if version_of(now) != remote.version or (remote.size is not None and done != remote.size):
            raise _changed(found, remote, now, done, where)


def _changed(
    found: Found, remote: RemoteObject, now: Mapping[str, Any], done: int, where: str
) -> ObjectChanged:
    return ObjectChanged(
        f"{found.name} changed while it was read",
        where=where,
        found=f"{done:,} bytes of {remote.size}; {remote.version}, then {version_of(now)}",
        help="run 'recomart ingest' again when whatever writes it has finished",
    )


def _pieces(files: AbstractFileSystem, path: str, size: int | None) -> Iterator[bytes]:
    if size is not None and size <= PIECE_BYTES:
        yield files.cat_file(path)
        return
    with files.open(path, "rb", block_size=PIECE_BYTES, cache_type="readahead") as handle:
        yield handle.read(PIECE_BYTES)
        while piece := handle.read(PIECE_BYTES):
            yield piece


def _name(url: StorageUrl, path: str) -> str:
    if is_url(path):
        return path  # an HTTP path is the URL
    if url.scheme == "sftp":
        return f"{url.scheme}://{url.place}/{path.lstrip('/')}"
    return f"{url.scheme}://{path}"


def _nearby(store: Store) -> str:
    """What is there where nothing matches, for an error."""
    folder = store.path
    while _has_magic(folder) or folder == store.path:
        folder = folder.rpartition("/")[0]
    try:
        names = sorted(
            str(name).rpartition("/")[2] for name in store.files.ls(folder, detail=False)
        )
    except Exception:  # the listing is only help for an error that is raised anyway
        return f"{store.url.without_secrets(folder)} does not exist, or cannot be listed"
    return f"in {store.url.without_secrets(folder)}: {', '.join(names[:8]) or 'nothing'}"


@contextmanager
def _explained(url: StorageUrl, message: str, where: str) -> Iterator[None]:
    """Errors of a driver, each of which has its own, as errors that say what to do.

    Raises:
        StorageError: whatever the driver raised.
    """
    try:
        yield
    except (StorageError, GeneratorExit):
        raise
    except Exception as exc:  # drivers have no error in common
        # fsspec's own errors say little more than the URL
        cause = next((one for one in _chain(exc) if not isinstance(one, FileNotFoundError)), exc)
        found = url.without_secrets(str(cause) or type(cause).__name__).splitlines()[0][:300]
        driver = DRIVERS[url.scheme]
        if _is_refusal(exc):
            code, help = "storage-refused", f"give credentials with rights: {driver.credentials}"
        elif isinstance(exc, FileNotFoundError) and _is_absent(exc):
            code, help = "missing-files", "check the bucket or folder and the pattern"
        else:
            code = "storage-unavailable"
            help = "see that it is up and the network reaches it, then run 'recomart ingest' again"
        raise StorageError(message, code=code, where=where, found=found, help=help) from exc


def _chain(exc: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = exc
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _is_refusal(exc: BaseException) -> bool:
    return any(
        isinstance(one, PermissionError)
        or getattr(one, "status", None) in (401, 403)
        or any(word in type(one).__name__ for word in _REFUSALS)
        or "No authentication methods" in str(one)  # paramiko, without password and keys
        for one in _chain(exc)
    )


def _is_absent(exc: BaseException) -> bool:
    """Whether there is no such object; fsspec says so too of an HTTP server that is down."""
    return not _is_refusal(exc) and not any(
        isinstance(one, OSError) and not isinstance(one, FileNotFoundError) for one in _chain(exc)
    )
