"""The mock API as a FastAPI application."""

# No postponed annotations here: FastAPI must find the dependencies that create_app defines.

import asyncio
import hashlib
import itertools
import json
import math
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from demo_shop.mock_api.faults import Fault, Faults
from demo_shop.mock_api.products import Products, parse_time
from demo_shop.mock_api.shape import Shape
from recomart.errors import ConfigurationError

MAX_PAGE_SIZE = 1000


class _Refused(Exception):
    """A request that gets an answer in JSON, and nothing else."""

    def __init__(
        self, status: int, error: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": error, "message": message}
        self.headers = dict(headers or {})


def create_app(
    catalogue: Path,
    api_key: str | None,
    faults: Faults | None = None,
    shape: Shape = Shape(),  # noqa: B008 - frozen
) -> FastAPI:
    """The application that serves a catalogue file.

    A single request can ask for a fault of its own: header `X-Fault`, or `?fault=`, in the
    notation of `Faults.parse`.

    Args:
        catalogue: a JSON list of products; read when first asked for, and again when it changed.
        api_key: what the header X-API-Key must hold for /products; None: nothing.
        shape: the names in requests and answers.
    """
    products = Products(catalogue, shape)
    planned = faults or Faults()
    requests_so_far = itertools.count(1)
    first_page = 0 if shape.by_offset else 1
    app = FastAPI(title="RecoMart mock catalogue", docs_url=None, redoc_url=None)

    @app.exception_handler(_Refused)
    async def refuse(_: Request, refused: _Refused) -> JSONResponse:
        return JSONResponse(refused.body, refused.status, refused.headers)

    @app.exception_handler(FileNotFoundError)
    async def no_catalogue(_: Request, __: FileNotFoundError) -> JSONResponse:
        message = "there is no catalogue; run 'recomart generate'"
        return JSONResponse({"error": "no_catalogue", "message": message}, 503)

    def check_key(x_api_key: Annotated[str | None, Header()] = None) -> None:
        if api_key is None:
            return
        if x_api_key is None:
            message = "send the API key in the header X-API-Key"
            raise _Refused(401, "missing_api_key", message)
        if not secrets.compare_digest(x_api_key.encode(), api_key.encode()):
            raise _Refused(401, "wrong_api_key", "the key in the header X-API-Key is not known")

    async def pick_fault(
        x_fault: Annotated[str | None, Header()] = None,
        fault: Annotated[str | None, Query()] = None,
    ) -> Fault | None:
        number = next(requests_so_far)
        asked = x_fault or fault
        try:
            struck = Faults.parse(asked).at(number) if asked else planned.at(number)
        except ConfigurationError as exc:
            raise _Refused(422, "unknown_fault", exc.message) from exc
        await _misbehave(struck)
        return struck

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "products": products.page(0, 1).total}

    @app.get("/products", dependencies=[Depends(check_key)])
    async def list_products(
        request: Request,
        fault: Annotated[Fault | None, Depends(pick_fault)],
        page: Annotated[int, Query(alias=shape.page_param, ge=first_page)] = first_page,
        page_size: Annotated[int, Query(alias=shape.size_param, ge=1, le=MAX_PAGE_SIZE)] = 100,
        updated_since: Annotated[str | None, Query(alias=shape.since_param)] = None,
    ) -> Response:
        # a plus sign that was not percent-encoded arrives as a space
        since = parse_time(updated_since.replace(" ", "+")) if updated_since else None
        if updated_since and since is None:
            message = (
                f"{shape.since_param} is '{updated_since}', expected a time such as "
                "2026-03-31T09:30:00Z"
            )
            raise _Refused(422, "bad_time", message)
        first = page if shape.by_offset else (page - 1) * page_size
        repeated = fault is not None and fault.kind == "repeated_page" and first > 0
        found = products.page(max(first - page_size, 0) if repeated else first, page_size, since)
        more = _next(shape, page + 1, page_size, updated_since)
        body = shape.body(
            found.items,
            total=found.total,
            first=first,
            size=page_size,
            more=more if first + page_size < found.total else None,
        )
        return _answer(request, body, fault)

    @app.get("/products/{product_id}", dependencies=[Depends(check_key)])
    async def one_product(
        request: Request, product_id: str, fault: Annotated[Fault | None, Depends(pick_fault)]
    ) -> Response:
        item = products.find(product_id)
        if item is None:
            raise _Refused(404, "unknown_product", f"there is no product '{product_id}'")
        return _answer(request, item, fault)

    return app


async def _misbehave(fault: Fault | None) -> None:
    """Wait, or refuse, as the fault says; the other kinds change the answer itself."""
    if fault is None:
        return
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    elif fault.kind == "429":
        wait = str(math.ceil(fault.seconds))
        raise _Refused(429, "too_many_requests", f"come back in {wait} s", {"Retry-After": wait})
    elif fault.kind == "500":
        raise _Refused(500, "internal_error", "something went wrong here; try again")


def _next(shape: Shape, page: int, page_size: int, updated_since: str | None) -> str:
    query: dict[str, str | int] = {shape.page_param: page, shape.size_param: page_size}
    if updated_since:
        query[shape.since_param] = updated_since
    return f"/products?{urlencode(query)}"


def _answer(request: Request, body: dict[str, Any], fault: Fault | None) -> Response:
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    if fault is not None and fault.kind == "truncated":
        return Response(content[: len(content) // 2], media_type="application/json")
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    known = request.headers.get("if-none-match", "")
    tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
    if etag in tags or "*" in tags:
        return Response(status_code=304, headers={"ETag": etag})
    return Response(content, media_type="application/json", headers={"ETag": etag})
