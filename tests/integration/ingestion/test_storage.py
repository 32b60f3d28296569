"""Files of other filesystems: an S3 server and HTTP servers on loopback, with everything that fails."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ingestion.ingest import ingest
from ingestion.sources import _storage
from onboarding.check import check
from recomart.errors import ObjectChanged, ShopFileError, SourceError, SourceMissing, StorageError
from tests.integration.ingestion.sftp_server import PASSWORD, USER, sftp_server

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI-EXAMPLEKEY"
COLUMNS = "columns: {user_id: user, product_id: item, rating: stars, rated_at: time}"
HEADER = "user,item,stars,time\n"
IDS = "select user_id from raw.ratings order by user_id"


def row(user: str) -> bytes:
    return f"{HEADER}{user},p1,5,2026-01-01\n".encode()


class Bucket:
    """A bucket of a real S3-protocol server."""

    name = "shop-exports"

    def __init__(self, port: int) -> None:
        import s3fs

        self.port = port
        self.files = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
        self.files.mkdir(self.name)

    def put(self, name: str, content: bytes) -> None:
        self.files.pipe_file(f"{self.name}/{name}", content)

    def declare(self, shop: Any, pattern: str, more: str = "") -> None:
        shop.declare(f'ratings: {{files: "s3://{self.name}/{pattern}", {COLUMNS}{more}}}')


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", KEY)
        environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        environment.setenv("AWS_CONFIG_FILE", "/dev/null")
        environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        yield Bucket(port)
    server.stop()


def test_objects_of_a_bucket_are_fetched_once_and_again_when_their_version_changes(
    user_shop: Any, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.declare(user_shop, "once/**/r*")
    bucket.put("once/2026/01/r1.csv", row("u1"))
    bucket.put("once/2026/02/r2.csv.gz", gzip.compress(row("u2")))
    bucket.put("once/2026/02/other.csv", b"of another kind\n")
    ingest(user_shop.settings)

    assert user_shop.query(IDS) == [("u1",), ("u2",)]
    assert user_shop.query("select source_file from raw._loads order by all") == [
        ("s3://shop-exports/once/2026/01/r1.csv",),
        ("s3://shop-exports/once/2026/02/r2.csv.gz",),
    ]
    assert [Path(name).name for name in user_shop.landed()] == ["00000001.csv", "00000002.csv.gz"]

    fetched: list[str] = []
    real = _storage.bytes_of
    monkeypatch.setattr(
        "ingestion.sources.files.bytes_of",
        lambda found, where: fetched.append(found.name) or real(found, where),
    )
    assert ingest(user_shop.settings).loaded == ()
    assert fetched == []
    bucket.put("once/2026/01/r1.csv", row("u3"))
    bucket.put("once/2026/02/same.csv", b"")
    bucket.put("once/2026/02/r3.csv", row("u1"))  # bytes that are loaded, under another name
    assert len(ingest(user_shop.settings).loaded) == 1
    assert fetched == [f"s3://shop-exports/once/2026/0{n}" for n in ("1/r1.csv", "2/r3.csv")]
    assert ingest(user_shop.settings).loaded == ()
    assert len(fetched) == 2
    assert user_shop.query(IDS) == [("u1",), ("u2",), ("u3",)]


def test_parquet_and_large_objects_arrive_byte_for_byte(
    user_shop: Any, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_storage, "PIECE_BYTES", 1000)
    frame = pd.DataFrame({"user": [f"u{n}" for n in range(5000)], "item": "p1", "stars": 4})
    frame.assign(time="2026-01-01").to_parquet(tmp_path / "r.parquet")
    content = (tmp_path / "r.parquet").read_bytes()
    assert len(content) > 10 * 1000
    bucket.put("large/r.parquet", content)
    bucket.declare(user_shop, "large/r.parquet", ", format: parquet")
    ingest(user_shop.settings)

    (landed,) = user_shop.landed()
    assert (user_shop.settings.lake / landed).read_bytes() == content
    assert user_shop.query("select count(distinct user_id) from raw.ratings") == [(5000,)]


@pytest.mark.parametrize("piece", [1 << 20, 100], ids=["at once", "in pieces"])
def test_an_object_that_changes_while_it_is_read_is_read_again(
    user_shop: Any, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(_storage, "PIECE_BYTES", piece)
    name = f"moves/{piece}/r.csv"
    bucket.put(name, HEADER.encode() + b"u1,p1,5,2026-01-01\n" * 50)
    bucket.declare(user_shop, name)
    versions = iter([row("u2") * 1, HEADER.encode() + b"u3,p1,5,2026-01-01\n" * 50])
    real = _storage._pieces

    def changing(*args: Any) -> Iterator[bytes]:
        pieces = real(*args)
        yield next(pieces)
        if content := next(versions, None):
            bucket.put(name, content)
        yield from pieces

    monkeypatch.setattr(_storage, "_pieces", changing)
    ingest(user_shop.settings)

    assert user_shop.query("select distinct user_id from raw.ratings") == [("u3",)]
    assert len(user_shop.landed()) == 1
    monkeypatch.setattr(_storage, "_pieces", real)
    assert ingest(user_shop.settings).loaded == ()


def test_an_object_that_never_stands_still_is_an_error_and_the_others_are_loaded(
    user_shop: Any, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put("never/a.csv", row("a"))
    bucket.put("never/b.csv", row("b"))
    bucket.declare(user_shop, "never/*.csv")
    real, count = _storage._pieces, iter(range(100))

    def changing(files: Any, path: str, size: int | None) -> Iterator[bytes]:
        yield from real(files, path, size)
        if path.endswith("a.csv"):
            bucket.put("never/a.csv", row(f"a{next(count)}"))

    monkeypatch.setattr(_storage, "_pieces", changing)
    with pytest.raises(ObjectChanged, match=r"never/a\.csv changed while it was read"):
        ingest(user_shop.settings)
    assert user_shop.query(IDS) == [("b",)]


def error_of_source(shop: Any, files: str) -> SourceError:
    """The error of a source, next to which another source is loaded."""
    shop.write("users.csv", "user\nu1\n")
    shop.declare(
        f'ratings: {{files: "{files}", {COLUMNS}}}\n'
        'users: {files: "in/users.csv", columns: {user_id: user}}'
    )
    landed = [name for name in shop.landed() if "/ratings/" in name]
    with pytest.raises(SourceError) as caught:
        ingest(shop.settings)
    assert shop.query("select user_id from raw.users") == [("u1",)]
    assert [name for name in shop.landed() if "/ratings/" in name] == landed
    for secret in (SECRET, KEY, "hunter2"):
        assert secret not in str(caught.value)
        assert secret.encode() not in shop.settings.warehouse.read_bytes()
    return caught.value


def test_what_is_not_there_is_named_with_what_is(user_shop: Any, bucket: Bucket) -> None:
    bucket.put("there/a.csv", row("a"))
    for files, found in {
        "s3://shop-exports/there/b*.csv": "in shop-exports/there: a.csv",
        "s3://shop-exports/there/b.csv": "in shop-exports/there: a.csv",
        "s3://no-such-bucket/*.csv": "no-such-bucket does not exist",
        "s3://no-such-bucket/a.csv": "no-such-bucket does not exist",
    }.items():
        error = error_of_source(user_shop, files)
        assert isinstance(error, SourceMissing)
        assert files in error.message
        assert found in (error.found or "")


def test_a_bucket_without_rights_is_an_error_with_the_variables_to_set(
    user_shop: Any, bucket: Bucket
) -> None:
    import requests

    bucket.put("closed/a.csv", row("a"))
    api = f"http://127.0.0.1:{bucket.port}/moto-api/reset-auth"
    requests.post(api, data="0", timeout=10)  # from now on the key must be known
    try:
        for pattern in ("closed/*.csv", "closed/a.csv"):
            error = error_of_source(user_shop, f"s3://shop-exports/{pattern}")
            assert (type(error), error.code) == (StorageError, "storage-refused")
            assert "AWS_ACCESS_KEY_ID" in (error.help or "")
    finally:
        requests.post(api, data="Infinity", timeout=10)


def test_a_server_that_is_down_or_a_driver_that_is_absent_keeps_no_other_source_back(
    user_shop: Any, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    for files in ("s3://shop-exports/*.csv", "https://127.0.0.1:9/a.csv", "sftp://u@127.0.0.1:9/a"):
        error = error_of_source(user_shop, files)
        assert (type(error), error.code) == (StorageError, "storage-unavailable"), files
    monkeypatch.setattr(_storage, "find_spec", lambda name: None)
    for scheme, extra in {"s3": "s3", "gs": "gcs", "az": "azure", "sftp": "sftp"}.items():
        error = error_of_source(user_shop, f"{scheme}://shop/a.csv")
        assert error.code == "missing-driver"
        assert f"pip install 'recomart[{extra}]'" in (error.help or "")


def test_a_url_with_a_secret_or_an_unknown_scheme_is_refused_unread(
    user_shop: Any,
) -> None:
    for files, message in {
        "sftp://shop:hunter2@host/a.csv": "a URL in the shop file has a password",
        "https://host/a.csv?sv=1&sig=hunter2": "has a secret: the parameter sig",
        "s3n://bucket/a.csv": 'did you mean "s3"',
    }.items():
        user_shop.declare(f'ratings: {{files: "{files}", {COLUMNS}}}')
        with pytest.raises(ShopFileError) as caught:
            ingest(user_shop.settings)
        assert message in str(caught.value)
        assert "hunter2" not in str(caught.value)


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if "/closed" in self.path:
            self.send_error(403)
        else:
            super().do_GET()

    do_HEAD = do_GET

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the URL under which a server lists it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_files_of_an_http_server_by_url_and_by_glob(
    user_shop: Any, served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = served
    monkeypatch.setenv("EXPORT_TOKEN", "hunter2")
    for name in ("r1.csv", "r2.csv", "one.csv"):
        (folder / name).write_bytes(row(name))
    user_shop.declare(
        f'ratings: {{files: ["{url}/r*.csv", "{url}/one.csv?token={{env:EXPORT_TOKEN}}"], {COLUMNS}}}'
    )
    ingest(user_shop.settings)

    assert user_shop.query(IDS) == [("one.csv",), ("r1.csv",), ("r2.csv",)]
    names = [name for (name,) in user_shop.query("select source_file from raw._loads order by all")]
    assert names == [f"{url}/one.csv?token={{env:EXPORT_TOKEN}}", f"{url}/r1.csv", f"{url}/r2.csv"]
    assert b"hunter2" not in user_shop.settings.warehouse.read_bytes()
    assert ingest(user_shop.settings).loaded == ()

    error = error_of_source(user_shop, f"{url}/closed.csv?token={{env:EXPORT_TOKEN}}")
    assert error.code == "storage-refused"
    error = error_of_source(user_shop, f"{url}/one.csv?token={{env:NO_SUCH_TOKEN}}")
    assert (error.code, error.found) == ("missing-variable", "$NO_SUCH_TOKEN is unset or empty")


def test_files_of_an_sftp_server_with_a_password_from_the_environment(
    user_shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.config import conf, set_conf_env

    (tmp_path / "exports").mkdir()
    for name in ("r1.csv", "r2.csv", "other.csv"):
        (tmp_path / "exports" / name).write_bytes(row(name))
    monkeypatch.setitem(conf, "sftp", {})  # fsspec reads the environment once a process
    monkeypatch.setenv("SSH_AUTH_SOCK", "")
    with sftp_server(tmp_path) as port:
        files = f"sftp://{USER}@127.0.0.1:{port}/exports/r*.csv"
        error = error_of_source(user_shop, files)
        assert error.code == "storage-refused"
        assert "FSSPEC_SFTP_PASSWORD" in (error.help or "")
        monkeypatch.setenv("FSSPEC_SFTP_PASSWORD", PASSWORD)
        set_conf_env(conf)
        ingest(user_shop.settings)

        assert user_shop.query(IDS) == [("r1.csv",), ("r2.csv",)]
        assert ingest(user_shop.settings).loaded == ()
        (tmp_path / "exports" / "r1.csv").write_bytes(row("r1 is longer now"))
        assert len(ingest(user_shop.settings).loaded) == 1
    names = user_shop.query(
        "select source_file from raw._loads where entity = 'ratings' order by 1"
    )
    assert (f"sftp://{USER}@127.0.0.1:{port}/exports/r1.csv",) in names
    assert PASSWORD.encode() not in user_shop.settings.warehouse.read_bytes()


def test_the_check_looks_at_objects_elsewhere(user_shop: Any, bucket: Bucket) -> None:
    bucket.put("check/a.csv", row("a").replace(b"stars", b"points"))
    bucket.declare(user_shop, "check/*.csv")

    problems = [str(problem) for problem in check(user_shop.settings)]

    assert any("stars" in problem and "check/a.csv" in problem for problem in problems), problems
