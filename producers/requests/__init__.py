"""One HTTP request to the API as a value, and as a program that makes it. Speaks to nobody and holds no secret.

The printed programs read their credentials from the environment when they run: APP_KEY and MASTER_SECRET, or GROUP_KEY
and GROUP_SECRET for what is pushed to a group of apps.
"""

from .address import Region, check_base_url
from .dialects import Dialect, described, render
from .pushes import batch_request, request_of_send
from .request import HEADERS, Credentials, Request

__all__ = [
    "HEADERS",
    "Credentials",
    "Dialect",
    "Region",
    "Request",
    "batch_request",
    "check_base_url",
    "described",
    "render",
    "request_of_send",
]
