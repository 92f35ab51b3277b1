"""How the stand-in for Microsoft Graph answers and refuses."""

from __future__ import annotations

import json
import uuid
from typing import Any

from werkzeug.wrappers import Response


class Refused(Exception):
    """A refusal as Graph words it."""

    def __init__(self, status: int, code: str, message: str = "", *, wait: str = "", **more: Any) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.wait, self.more = status, code, message, wait, more

    def response(self) -> Response:
        asked = str(uuid.uuid4())
        inner = {"date": "2026-11-21T02:20:00", "request-id": asked, "client-request-id": asked}
        error = {"code": self.code, "message": self.message, "innerError": inner, **self.more}
        answer = answered({"error": error}, self.status)
        answer.headers["request-id"] = asked
        if self.wait:
            answer.headers["Retry-After"] = self.wait
        return answer


def answered(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


def not_found() -> Refused:
    return Refused(404, "ErrorItemNotFound", "The specified object was not found in the store.")
