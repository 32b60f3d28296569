"""An answer of an HTTP server, and what may be better the next time."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urljoin

from requests.utils import parse_header_links


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


class RepeatedPage(Transient):
    """A page that has the records of an earlier one. It stays so if the list changed meanwhile."""


@dataclass(frozen=True)
class Answer:
    """A page as received.

    Args:
        url: as it was asked for, without credentials.
        body: None when it has not changed since a tag that was sent (304), when it has no content
            (204), or when there is no such page (404) and the caller takes that for an answer.
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
    def sent_at(self) -> datetime | None:
        """When it was sent, by the server's clock."""
        return _http_date(self.headers.get("Date", ""))

    @property
    def next_link(self) -> str | None:
        """The URL that its Link header calls the next page (RFC 8288), as an absolute one."""
        for link in parse_header_links(self.headers.get("Link", "")):
            if "next" in link.get("rel", "").lower().split():
                return urljoin(self.url, link["url"])
        return None


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for: a number of seconds, or an HTTP date.

    RFC 9110 has whole seconds; Shopify sends `2.0`.
    """
    if value is None:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
        return float(value)
    moment = _http_date(value)
    return (
        None if moment is None else max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())
    )


def _http_date(value: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
