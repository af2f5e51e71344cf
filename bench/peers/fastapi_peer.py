"""MEXA's `POST /vales` as one would write it with FastAPI, SQLAlchemy's async ORM and asyncpg. Packages: see
peer_contract.py. Run by the bench as `uvicorn fastapi_peer:app`, one process a port."""

import time
from uuid import uuid4

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import sessionmaker

from peer_contract import (
    DATABASE_URL,
    PATH,
    Refusal,
    ValeIn,
    actor_id_of,
    log_request,
    vale_out,
    vale_values,
)
from peer_tables import AuditLog, Vale

engine = create_async_engine(DATABASE_URL, pool_size=10)
new_session = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)

app = FastAPI(openapi_url=None)


class LogMiddleware:
    """Plain ASGI, which costs less than `@app.middleware`."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        fields = {
            "request_id": headers.get(b"x-request-id", b"").decode() or str(uuid4()),
            "method": scope["method"],
            "path": scope["path"],
            "ip": scope["client"][0],
            "user_agent": headers.get(b"user-agent", b"").decode(),
        }
        scope["state"] = {"fields": fields}
        status = 500

        async def send_with_id(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", fields["request_id"].encode()))
            await send(message)

        await self.app(scope, receive, send_with_id)
        log_request(fields, status, started)


app.add_middleware(LogMiddleware)


async def session_of_request():
    async with new_session() as session:
        yield session


async def actor_of_request(request: Request) -> int:
    actor_id = actor_id_of(request.headers.get("authorization"))
    request.state.fields["user_id"] = actor_id
    return actor_id


@app.post(PATH)
async def issue(
    body: ValeIn,
    request: Request,
    actor_id: int = Depends(actor_of_request),
    session: AsyncSession = Depends(session_of_request),
):
    fields = request.state.fields
    drawer_id = body.user_id or actor_id
    key = body.request_id or fields["request_id"]
    vale = Vale(
        user_id=drawer_id,
        request_id=key,
        amount=body.amount,
        description=body.description,
        issued_by=actor_id,
    )
    session.add(vale)
    try:
        await session.flush()
    except IntegrityError:
        await session.rollback()
        return JSONResponse(vale_out(await repeated(session, body, drawer_id)))
    session.add(
        AuditLog(
            request_id=fields["request_id"],
            user_id=actor_id,
            action="create",
            resource_type="vale",
            resource_id=vale.id,
            new_values=vale_values(vale),
            endpoint=fields["path"],
            method=fields["method"],
            ip_address=fields["ip"],
            user_agent=fields["user_agent"],
        )
    )
    await session.commit()
    return JSONResponse(vale_out(vale), status_code=201)


async def repeated(session: AsyncSession, body: ValeIn, drawer_id: int) -> Vale:
    """The voucher that the key has drawn before; a refusal where it was another, or where the user is unknown."""
    found = await session.execute(select(Vale).where(Vale.request_id == body.request_id))
    vale = found.scalar_one_or_none()
    if vale is None:
        raise Refusal(422, f"There is no user {drawer_id}")
    if (vale.amount, vale.user_id, vale.description) != (body.amount, drawer_id, body.description):
        raise Refusal(422, f"Request {body.request_id} has drawn another voucher already")
    return vale


@app.exception_handler(Refusal)
async def refuse(_: Request, refusal: Refusal):
    return JSONResponse({"status": refusal.status, "detail": refusal.detail}, status_code=refusal.status)


@app.exception_handler(RequestValidationError)
async def refuse_input(_: Request, error: RequestValidationError):
    return JSONResponse({"status": 422, "detail": error.errors()[0]["msg"]}, status_code=422)
