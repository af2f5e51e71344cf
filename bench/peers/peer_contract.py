"""What both Python peers share: settings, token, body, log line.

Debian packages: python3-fastapi python3-flask python3-uvicorn python3-uvloop python3-httptools gunicorn
python3-sqlalchemy python3-asyncpg python3-psycopg2 python3-jwt python3-pydantic
"""

import json
import os
import sys
import time
from datetime import datetime, timezone
from decimal import Decimal
from typing import Optional
from uuid import UUID

import jwt
from pydantic import BaseModel, Extra, condecimal, conint, constr

PATH = "/api/v1/vales"
DATABASE_URL = os.environ["DATABASE_URL"]

MAY_DRAW = frozenset({"admin", "cajero"})


class Refusal(Exception):
    """A refusal with its status; the frameworks turn it into an answer."""

    def __init__(self, status: int, detail: str):
        super().__init__(detail)
        self.status = status
        self.detail = detail


class ValeIn(BaseModel):
    amount: condecimal(gt=0, max_digits=10, decimal_places=2)
    description: Optional[constr(max_length=255)] = None
    user_id: Optional[conint(ge=1, le=2_147_483_647)] = None
    request_id: Optional[UUID] = None

    class Config:
        extra = Extra.forbid


def actor_id_of(authorization: Optional[str]) -> int:
    """Signature, expiry, issuer and audience are checked each time."""
    kind, _, token = (authorization or "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Refusal(401, "A bearer token is required")
    try:
        claims = jwt.decode(
            token,
            os.environ["JWT_SECRET"],
            algorithms=["HS256"],
            issuer=os.environ["JWT_ISSUER"],
            audience=os.environ["JWT_AUDIENCE"],
        )
    except jwt.PyJWTError as error:
        raise Refusal(401, "The token is not valid") from error
    if claims["role"] not in MAY_DRAW:
        raise Refusal(403, "Your role may not draw vouchers")
    return int(claims["sub"])


def amount_text(amount: Decimal) -> str:
    return f"{amount:.2f}"


def vale_values(vale) -> dict:
    """What the audit keeps of a new voucher."""
    return {
        "id": vale.id,
        "user_id": vale.user_id,
        "request_id": str(vale.request_id),
        "amount": amount_text(vale.amount),
        "description": vale.description,
        "state": vale.state,
    }


def vale_out(vale) -> dict:
    """A voucher as clients read it."""
    created_at = vale.created_at.isoformat(timespec="milliseconds") + "Z"
    return {
        **vale_values(vale),
        "created_at": created_at,
        "issued_by": vale.issued_by,
        "redeemed_at": vale.redeemed_at,
        "redeemed_by": vale.redeemed_by,
        "voided_at": vale.voided_at,
        "voided_by": vale.voided_by,
        "void_reason": vale.void_reason,
    }


def log_request(fields: dict, status: int, started: float) -> None:
    """One line a request, with the fields that MEXA's line has."""
    line = {
        "level": "INFO",
        "timestamp": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "operation": "vale.issue",
        "status_code": status,
        "duration_ms": round((time.perf_counter() - started) * 1000, 1),
        **fields,
        "message": "Request completed",
    }
    sys.stdout.write(json.dumps(line) + "\n")
