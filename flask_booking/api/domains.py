"""Whether a proxy may get a certificate for a name: what Caddy calls the ``ask`` endpoint of on-demand TLS."""

from __future__ import annotations

from flask import Response, request

from .. import guards
from ..domains import directory, host_name
from ..errors import NotBookable
from .blueprint import answer, api


@api.get("/domain-allowed")
def domain_allowed() -> Response:
    """200 when a page answers at ``?domain=``, else 404; nothing about whose it is."""
    guards.check_rate("ask")
    name = host_name(request.args.get("domain", "")[:300])
    if name is None or directory().page_at(name) is None:
        raise NotBookable
    return answer({"domain": name})
