"""Move Acces' `GET /users/me` as one would write it with FastAPI, SQLAlchemy's async ORM, asyncpg and redis-py: token,
limit of 100 requests in five minutes an address by INCR and EXPIRE, one row. Packages: see peer_contract.py, and
python3-redis. Run by the bench as `uvicorn fastapi_members:app`, one process a port."""

import os

import jwt
import redis.asyncio as redis
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel
from sqlalchemy import Column, Date, DateTime, Integer, String, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=10)
new_session = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
store = redis.from_url(os.environ["REDIS_URL"])
Base = declarative_base()
app = FastAPI(openapi_url=None)


class User(Base):
    __tablename__ = "users"
    user_id = Column(Integer, primary_key=True)
    nom = Column(String)
    prenom = Column(String)
    date_naissance = Column(Date)
    rue = Column(String)
    npa = Column(String)
    localite = Column(String)
    tel = Column(String)
    email = Column(String)
    created_at = Column(DateTime(timezone=True))
    updated_at = Column(DateTime(timezone=True))


class Profile(BaseModel):
    user_id: int
    email: str
    prenom: str
    nom: str
    date_naissance: str
    rue: str
    npa: str
    localite: str
    tel: str | None
    created_at: str
    updated_at: str


async def session_of_request():
    async with new_session() as session:
        yield session


async def limited(request: Request) -> None:
    address = request.headers.get("x-forwarded-for", request.client.host)
    key = f"rate_limit:api:{address}"
    async with store.pipeline() as pipeline:
        count, _ = await pipeline.incr(key).expire(key, 300).execute()
    if count > 100:
        raise HTTPException(429, "Rate limit exceeded. Try again later.")


def member_of_request(request: Request) -> int:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        secret = os.environ["JWT_SECRET"]
        claims = jwt.decode(token, secret, algorithms=["HS256"], issuer="quinta", audience="move-acces")
    except jwt.PyJWTError as error:
        raise HTTPException(401, "Could not validate credentials") from error
    return int(claims["sub"])


@app.get("/users/me", response_model=Profile, dependencies=[Depends(limited)])
async def me(
    member: int = Depends(member_of_request), session: AsyncSession = Depends(session_of_request)
):
    user = (await session.execute(select(User).where(User.user_id == member))).scalar_one_or_none()
    if user is None:
        raise HTTPException(404, "User not found")
    fields = {name: getattr(user, name) for name in Profile.__fields__}
    for name in ("date_naissance", "created_at", "updated_at"):
        fields[name] = fields[name].isoformat()
    return fields
