"""One page over HTTP: limited in time, bytes and hosts, and asked for again when that may help."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import stamina
import stamina.instrumentation
from stamina.instrumentation import LoggingOnRetryHook

from ingestion.sources._answer import Answer, Transient, retry_after
from ingestion.sources._credentials import NO_CREDENTIALS, Credentials
from recomart.errors import CatalogueError

ATTEMPTS = 6
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 10.0
LONGEST_RETRY_AFTER_SECONDS = 120.0
"""A server that asks for a longer wait is not waited for: the ingest fails, and says when to come back."""
SLOW_FACTOR = 6
"""A whole answer may take this many times the time-out of one read."""
REDIRECTS = 5
CHUNK_BYTES = 64 << 10
REFUSED = "catalogue-refuses"
SHOWN = 200
"""Characters of what a server sent that a message shows."""

Checked = TypeVar("Checked")


@dataclass(frozen=True)
class Limits:
    """What one fetch may reach and take."""

    hosts: frozenset[str]
    timeout_seconds: float
    max_bytes: int


class HttpClient:
    """Asks one API. Bytes are counted over all its answers.

    Args:
        name: what messages call the API.
    """

    def __init__(
        self, limits: Limits, credentials: Credentials = NO_CREDENTIALS, name: str = "the API"
    ) -> None:
        self._limits = limits
        self._credentials = credentials
        self._name = name
        self._bytes = 0
        # stamina prints through structlog where that is installed; our log is logging's
        stamina.instrumentation.set_on_retry_hooks([LoggingOnRetryHook])
        # its warnings about headers show the whole URL
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)

    def get(
        self,
        url: str,
        what: str,
        *,
        check: Callable[[Answer], Checked],
        etag: str | None = None,
        may_be_absent: bool = False,
    ) -> tuple[Answer, Checked | None]:
        """An answer and what `check` makes of it; asked again while it is transient.

        Args:
            what: names the page in messages.
            check: called with an answer that has a body; may raise Transient.
            etag: ask only for what differs from it.
            may_be_absent: whether "404 Not Found" is an answer, without a body.

        Raises:
            CatalogueError: no good answer after ATTEMPTS, or one that no retry can help.
        """
        try:
            for attempt in attempts(_backoff, ATTEMPTS):
                with attempt, self._without_secrets():
                    answer = self._ask(url, what, etag, may_be_absent)
                    return answer, None if answer.body is None else check(answer)
        except Transient as exc:
            raise CatalogueError(
                f"{what} of {self._name} keeps failing, {ATTEMPTS} times in a row",
                code="catalogue-down",
                where=self._credentials.hide(url),
                found=str(exc),
                help=exc.help
                or "see whether the API is up (the demo shop's: 'recomart mock-api'); "
                "then run 'recomart ingest' again. What was loaded before stays",
            ) from exc
        raise AssertionError("stamina returns or raises")

    def ask_once(self, url: str, what: str) -> Answer:
        """An answer, without a second try.

        Raises:
            CatalogueError: an answer that no retry can help.
            Transient: one that may be better another time.
        """
        with self._without_secrets():
            return self._ask(url, what, None, False)

    def check_link(self, url: str, asked: str) -> None:
        """Check that the URL of a next page may be asked for.

        Args:
            asked: the page whose answer names it.

        Raises:
            CatalogueError: it is another host's, or without the encryption of `asked`.
        """
        with self._without_secrets():
            self._check_host(url, asked, "links")

    def start_of(self, body: bytes) -> str:
        """The start of a body, for a message; credentials are taken out before it is cut."""
        return repr(self._credentials.hide(body[:4_000].decode("utf-8", "replace"))[:SHOWN])

    @contextmanager
    def _without_secrets(self) -> Iterator[None]:
        """Take the credentials out of the errors that are raised inside."""
        hide = self._credentials.hide
        try:
            yield
        except Transient as exc:
            exc.args = (hide(str(exc)),)
            raise
        except CatalogueError as exc:
            exc.message, exc.where = hide(exc.message), exc.where and hide(exc.where)
            exc.found, exc.help = exc.found and hide(exc.found), exc.help and hide(exc.help)
            raise

    def _check_host(self, url: str, asked: str, how: str) -> None:
        parts = urlsplit(url)
        downgraded = urlsplit(asked).scheme == "https" and parts.scheme != "https"
        known = not self._limits.hosts.isdisjoint({parts.netloc, parts.hostname or ""})
        if parts.scheme in ("http", "https") and known and not downgraded:
            return
        raise CatalogueError(
            f"{self._name} {how} to {parts.scheme}://{parts.netloc}, which is not allowed",
            code="host-not-allowed",
            where=asked,
            found=url,
            help=f"if you trust it, add it to the source: allow_hosts: [{parts.netloc}]",
        )

    def _ask(self, url: str, what: str, etag: str | None, may_be_absent: bool) -> Answer:
        headers = {"Accept": "application/json", **self._credentials.headers}
        if etag:
            headers["If-None-Match"] = etag
        with requests.Session() as session:
            session.trust_env = not is_loopback(url)
            try:
                # closed here: a session closes no connection whose body was not read to its end
                with self._follow(session, url, what, headers) as response:
                    return self._answer(response, what, url, may_be_absent)
            except (requests.Timeout, requests.ConnectionError) as exc:
                raise Transient(
                    _shorter(exc)
                ) from None  # it has the whole URL, with its credentials
            except requests.exceptions.ChunkedEncodingError as exc:
                raise Transient("the answer broke off") from exc
            except requests.RequestException as exc:
                raise CatalogueError(
                    f"{what} of {self._name} cannot be asked for", where=url, found=_shorter(exc)
                ) from None

    def _follow(
        self, session: requests.Session, url: str, what: str, headers: dict[str, str]
    ) -> requests.Response:
        asked = url
        for _ in range(REDIRECTS + 1):
            self._check_host(url, asked, "redirects")
            response = session.get(
                self._credentials.url(url),
                headers=headers,
                timeout=self._limits.timeout_seconds,
                allow_redirects=False,
                stream=True,
            )
            if not response.is_redirect:
                return response
            url = urljoin(url, response.headers["Location"])
            response.close()
        raise CatalogueError(
            f"{what} of {self._name} redirects more than {REDIRECTS} times", where=asked, found=url
        )

    def _answer(
        self, response: requests.Response, what: str, url: str, may_be_absent: bool
    ) -> Answer:
        status = response.status_code
        if status in (204, 304) or (status == 404 and may_be_absent):
            return Answer(url, status, None, response.headers)
        if status in (408, 429) or status >= 500:
            wait = retry_after(response.headers.get("Retry-After"))
            found = f"HTTP {status} {response.reason}"
            if wait is not None and wait > LONGEST_RETRY_AFTER_SECONDS:
                raise CatalogueError(
                    f"{self._name} asks to come back in {wait:,.0f} s",
                    code="catalogue-busy",
                    where=url,
                    found=found,
                    help="run 'recomart ingest' again then",
                )
            raise Transient(found, wait)
        if status != 200:
            raise CatalogueError(
                f"{what} of {self._name} is refused",
                code=REFUSED,
                where=url,
                found=f"HTTP {status} {response.reason}: {self.start_of(_first_bytes(response))}",
                help="check api_key, bearer or basic in the shop file and the variable that it names"
                if status in (401, 403)
                else "check api and its parameters in the shop file",
            )
        return Answer(url, status, self._read(response, url), response.headers)

    def _read(self, response: requests.Response, url: str) -> bytes:
        allowed = SLOW_FACTOR * self._limits.timeout_seconds
        deadline = time.monotonic() + allowed
        body, before = bytearray(), self._bytes
        for chunk in response.iter_content(CHUNK_BYTES):
            body += chunk
            if before + len(body) > self._limits.max_bytes:
                raise CatalogueError(
                    f"{self._name} sends more than {self._limits.max_bytes:,} bytes",
                    code="catalogue-too-big",
                    where=url,
                    help="if that is right, raise max_bytes of the source",
                )
            if time.monotonic() > deadline:
                raise Transient(f"no whole answer within {allowed:g} s")
        self._bytes = before + len(body)
        return bytes(body)


def _first_bytes(response: requests.Response) -> bytes:
    """The start of a refusal's body, which may be as long as it likes."""
    return next(response.iter_content(4_000), b"")


def attempts(on: Any, number: int) -> Iterable[Any]:
    """Attempts of stamina, with our waits between them.

    Args:
        on: the class of exceptions that another attempt may help, or a function as in stamina.
    """
    return stamina.retry_context(
        on=on,
        attempts=number,
        timeout=None,
        wait_initial=FIRST_WAIT_SECONDS,
        wait_max=LONGEST_WAIT_SECONDS,
        wait_jitter=FIRST_WAIT_SECONDS,
    )


def _backoff(exc: Exception) -> bool | float:
    if not isinstance(exc, Transient):
        return False
    return True if exc.wait is None else exc.wait


def is_loopback(url: str) -> bool:
    """Whether a URL is this machine's own, which no proxy should see."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shorter(exc: Exception) -> str:
    if isinstance(exc, requests.Timeout):
        return "no answer in time"
    text = str(exc)
    return "connection refused" if "refused" in text else text[:300]
