"""Credentials of an HTTP API: from the environment into requests, and into no text that is kept."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

from ingestion.declaration import Declaration
from ingestion.sources._api_keys import ApiSource
from ingestion.sources._page import with_query
from recomart.errors import CatalogueError, ShopFileError

MISSING = "missing-api-key"
HIDDEN = "***"
SECRET_PARAMETERS = frozenset({
    "access_token", "api_key", "apikey", "auth_token", "client_secret", "consumer_key",
    "consumer_secret", "password", "secret", "token",
})  # fmt: skip
"""Query parameters whose value is a credential, whatever the API."""


@dataclass(frozen=True)
class Credentials:
    """What is sent with every request.

    Args:
        headers: by name.
        parameters: of the query, by name.
        secrets: the texts that no message may show.
    """

    headers: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()

    def url(self, url: str) -> str:
        """A URL as it is asked for."""
        return with_query(url, self.parameters) if self.parameters else url

    def hide(self, text: str) -> str:
        """A text for messages: a server may repeat what it was sent."""
        for secret in self.secrets:
            for written in (secret, quote(secret, safe=""), quote(secret), quote_plus(secret)):
                text = text.replace(written, HIDDEN)
        return text


NO_CREDENTIALS = Credentials()


def credentials_of(declared: Declaration[ApiSource]) -> Credentials:
    """The credentials that a source declares.

    Raises:
        CatalogueError: the environment does not have them.
    """
    source = declared.source
    headers: dict[str, str] = {}
    parameters: dict[str, str] = {}
    secrets: list[str] = []
    if (key := source.api_key) is not None:
        if key.env is not None:
            secrets.append(_from_environment(key.env, "api_key", declared))
            headers[key.header] = secrets[-1]
        elif key.value:
            headers[key.header] = key.value
        else:
            raise CatalogueError(
                f"the API key of {declared.entity} is not set",
                code=MISSING,
                where=declared.where("api_key"),
                found="neither env nor value",
                help="name the variable: env: NAME",
            )
    for parameter, name in source.query_env.items():
        secrets.append(_from_environment(name, "query_env", declared))
        parameters[parameter] = secrets[-1]
    if source.bearer is not None:
        secrets.append(_from_environment(source.bearer.env, "bearer", declared))
        headers["Authorization"] = f"Bearer {secrets[-1]}"
    if source.basic is not None:
        user, password = (
            _from_environment(name, "basic", declared)
            for name in (source.basic.user_env, source.basic.password_env)
        )
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        secrets += [pair, password, user]
        headers["Authorization"] = f"Basic {pair}"
    return Credentials(headers, parameters, tuple(secrets))


def check_url(declared: Declaration[ApiSource]) -> None:
    """Check that the declared URL has no credentials: the ledger and the report show it.

    Raises:
        ShopFileError: it has; names the parameter, and never the value.
    """
    parts = urlsplit(declared.source.api)
    names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    found = next((name for name in names if name.lower() in SECRET_PARAMETERS), None)
    if "@" not in parts.netloc and found is None:
        return
    place, _, _ = declared.where("api").partition("   ")
    raise ShopFileError(
        f"the URL of {declared.entity} contains a credential",
        code="credential-in-url",
        where=f"{place}   {declared.entity}.api",
        found=f"the parameter {found}" if found else "a user before the host",
        help=f"take it out, export it as a variable, and write query_env: {{{found}: NAME}}"
        if found
        else "take it out, export it as variables, and write basic: {user_env: NAME, password_env: "
        "NAME}",
    )


def _from_environment(name: str, key: str, declared: Declaration[ApiSource]) -> str:
    value = os.environ.get(name)
    if not value:
        raise CatalogueError(
            f"the API key of {declared.entity} is not set",
            code=MISSING,
            where=declared.where(key),
            found=f"${name} is unset or empty",
            help=f"export {name}=<the key>",
        )
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise CatalogueError(
            f"the API key of {declared.entity} cannot be sent",
            code=MISSING,
            where=declared.where(key),
            found=f"${name} has a space at an end, a line end, or a letter outside of ASCII",
            help=f"export {name} again, with the key alone",
        )
    return value
