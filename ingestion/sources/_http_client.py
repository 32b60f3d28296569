"""One page over HTTP: limited in time, bytes and hosts, and asked for again when that may help."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import stamina
import stamina.instrumentation
from stamina.instrumentation import LoggingOnRetryHook

from recomart.errors import CatalogueError

ATTEMPTS = 6
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 10.0
LONGEST_RETRY_AFTER_SECONDS = 120.0
"""A server that asks for a longer wait is not waited for: the ingest fails, and says when to come back."""
SLOW_FACTOR = 6
"""A whole answer may take this many times the time-out of one read."""
REDIRECTS = 5
CHUNK_BYTES = 64 << 10

Checked = TypeVar("Checked")


class Transient(Exception):
    """An answer that may be better the next time.

    Args:
        found: what is wrong with it.
        wait: the seconds that the server asks to wait.
        help: what to do when it never gets better; by default, to see whether the server is up.
    """

    def __init__(self, found: str, wait: float | None = None, help: str | None = None) -> None:
        super().__init__(found)
        self.wait = wait
        self.help = help


@dataclass(frozen=True)
class Answer:
    """A page as received.

    Args:
        body: None when it has not changed since `etag` (304), or when there is no such page (404)
            and the caller takes that for an answer.
        headers: by name, in any case of letters.
    """

    url: str
    status: int
    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str | None:
        """The server's tag for this version of the page."""
        return self.headers.get("ETag")

    @property
    def next_link(self) -> str | None:
        """The URL that its Link header calls the next page (RFC 8288), as an absolute one."""
        for link in requests.utils.parse_header_links(self.headers.get("Link", "")):
            if "next" in link.get("rel", "").lower().split():
                return urljoin(self.url, link["url"])
        return None


@dataclass(frozen=True)
class Limits:
    """What one fetch may reach and take."""

    hosts: frozenset[str]
    timeout_seconds: float
    max_bytes: int


class HttpClient:
    """Asks one catalogue. Bytes are counted over all its answers."""

    def __init__(self, limits: Limits, headers: dict[str, str]) -> None:
        self._limits = limits
        self._headers = {"Accept": "application/json", **headers}
        self._bytes = 0
        # stamina prints through structlog where that is installed; our log is logging's
        stamina.instrumentation.set_on_retry_hooks([LoggingOnRetryHook])

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
                with attempt:
                    answer = self._ask(url, what, etag, may_be_absent)
                    return answer, None if answer.body is None else check(answer)
        except Transient as exc:
            raise CatalogueError(
                f"{what} of the catalogue keeps failing, {ATTEMPTS} times in a row",
                code="catalogue-down",
                where=url,
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
        return self._ask(url, what, None, False)

    def check_host(self, url: str, asked: str, how: str) -> None:
        """Check that a URL may be asked for.

        Args:
            asked: the URL whose answer names it.
            how: the verb of the message: redirects, links.

        Raises:
            CatalogueError: it is another host's, or without the encryption of `asked`.
        """
        parts = urlsplit(url)
        downgraded = urlsplit(asked).scheme == "https" and parts.scheme != "https"
        known = not self._limits.hosts.isdisjoint({parts.netloc, parts.hostname or ""})
        if parts.scheme in ("http", "https") and known and not downgraded:
            return
        raise CatalogueError(
            f"the catalogue {how} to {parts.scheme}://{parts.netloc}, which is not allowed",
            code="host-not-allowed",
            where=asked,
            found=url,
            help=f"if you trust it, add it to the source: allow_hosts: [{parts.netloc}]",
        )

    def _ask(self, url: str, what: str, etag: str | None, may_be_absent: bool) -> Answer:
        headers = self._headers | ({"If-None-Match": etag} if etag else {})
        with requests.Session() as session:
            session.trust_env = not is_loopback(url)
            try:
                # closed here: a session closes no connection whose body was not read to its end
                with self._follow(session, url, what, headers) as response:
                    return self._answer(response, what, url, may_be_absent)
            except (requests.Timeout, requests.ConnectionError) as exc:
                raise Transient(_shorter(exc)) from exc
            except requests.exceptions.ChunkedEncodingError as exc:
                raise Transient("the answer broke off") from exc
            except requests.RequestException as exc:
                raise CatalogueError(
                    f"{what} of the catalogue cannot be asked for", where=url, found=_shorter(exc)
                ) from exc

    def _follow(
        self, session: requests.Session, url: str, what: str, headers: dict[str, str]
    ) -> requests.Response:
        asked = url
        for _ in range(REDIRECTS + 1):
            self.check_host(url, asked, "redirects")
            response = session.get(
                url,
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
            f"{what} of the catalogue redirects more than {REDIRECTS} times", where=asked, found=url
        )

    def _answer(
        self, response: requests.Response, what: str, url: str, may_be_absent: bool
    ) -> Answer:
        status = response.status_code
        if status == 304 or (status == 404 and may_be_absent):
            return Answer(url, status, None, response.headers)
        if status == 429 or status >= 500:
            wait = retry_after(response.headers.get("Retry-After"))
            found = f"HTTP {status} {response.reason}"
            if wait is not None and wait > LONGEST_RETRY_AFTER_SECONDS:
                raise CatalogueError(
                    f"the catalogue asks to come back in {wait:,.0f} s",
                    code="catalogue-busy",
                    where=url,
                    found=found,
                    help="run 'recomart ingest' again then",
                )
            raise Transient(found, wait)
        if status != 200:
            raise CatalogueError(
                f"{what} of the catalogue is refused",
                code="catalogue-refuses",
                where=url,
                found=f"HTTP {status} {response.reason}: {_first_bytes(response)!r}",
                help="check api_key in the shop file and the variable that it names"
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
                    f"the catalogue sends more than {self._limits.max_bytes:,} bytes",
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
    return next(response.iter_content(200), b"")


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


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for: a number of seconds, or an HTTP date.

    RFC 9110 has whole seconds; Shopify sends `2.0`.
    """
    if value is None:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:  # -0000, an unknown place: HTTP dates are GMT
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


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
