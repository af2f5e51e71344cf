"""SOFIPO's `GET /api/v1/clients/{rfc}` as one would write it with FastAPI, SQLAlchemy's async ORM, asyncpg and redis-py:
cache-aside under the promised key `client_rfc::<rfc>` for 600 seconds, else one row. Packages: see fastapi_members.py.
Run by the bench as `uvicorn fastapi_lending:app`, one process a port."""

import json
import os

import redis.asyncio as redis
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import Column, DateTime, String, select
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=10)
new_session = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
store = redis.from_url(os.environ["REDIS_URL"])
Base = declarative_base()
app = FastAPI(openapi_url=None)
CACHED_SECONDS = 600


class ClientRow(Base):
    __tablename__ = "clients"
    id = Column(UUID(as_uuid=True), primary_key=True)
    full_name = Column(String)
    email = Column(String)
    rfc = Column(String)
    created_at = Column(DateTime(timezone=True))


class Client(BaseModel):
    id: str
    full_name: str
    email: str
    rfc: str
    created_at: str


async def session_of_request():
    async with new_session() as session:
        yield session


@app.get("/api/v1/clients/{rfc}", response_model=Client)
async def client_by_rfc(rfc: str, session: AsyncSession = Depends(session_of_request)):
    key = f"client_rfc::{rfc}"
    kept = await store.get(key)
    if kept is not None:
        return json.loads(kept)
    row = (await session.execute(select(ClientRow).where(ClientRow.rfc == rfc))).scalar_one_or_none()
    if row is None:
        raise HTTPException(404, "Client not found")
    client = Client(
        id=str(row.id),
        full_name=row.full_name,
        email=row.email,
        rfc=row.rfc,
        created_at=row.created_at.isoformat(),
    )
    await store.set(key, client.json(), ex=CACHED_SECONDS)
    return client
