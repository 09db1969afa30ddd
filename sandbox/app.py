"""The ASGI application: the operations of the API and the control paths."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.calls import error_entry
from sandbox.control import Control
from sandbox.errors import ApiError
from sandbox.gateway import Gateway
from sandbox.operations import OPERATIONS
from sandbox.world import World


def build_app(world: World) -> Starlette:
    """Routes over a world. The first match wins."""
    routes = [Route(entry.path, Gateway(world, entry), methods=[entry.method]) for entry in OPERATIONS]
    return Starlette(routes=[*routes, *Control(world).routes()], exception_handlers={HTTPException: _wrong_route})


async def _wrong_route(_request: Request, error: Exception) -> Response:
    """Wrong method and wrong URL are 21001, with 405 or 404 (discrepancy 4 of the reference)."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse(error_entry(ApiError(21001)), status_code=status)
