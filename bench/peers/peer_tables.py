"""MEXA's tables as SQLAlchemy models: the columns that drawing a voucher writes or answers with."""

from sqlalchemy import JSON, Column, DateTime, FetchedValue, ForeignKey, Integer, Numeric, String
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Usuario(Base):
    __tablename__ = "usuarios"

    id = Column(Integer, primary_key=True)


class Vale(Base):
    __tablename__ = "vales"
    # What the database fills in comes back with the INSERT, so that no second statement is needed.
    __mapper_args__ = {"eager_defaults": True}

    id = Column(Integer, primary_key=True)
    user_id = Column(Integer, ForeignKey("usuarios.id"), nullable=False)
    request_id = Column(UUID(as_uuid=True), nullable=False, unique=True)
    amount = Column(Numeric(10, 2), nullable=False)
    description = Column(String(255))
    issued_by = Column(Integer, ForeignKey("usuarios.id"))
    state = Column(String(10), nullable=False, server_default=FetchedValue())
    created_at = Column(DateTime, nullable=False, server_default=FetchedValue())
    redeemed_at = Column(DateTime)
    redeemed_by = Column(Integer)
    voided_at = Column(DateTime)
    voided_by = Column(Integer)
    void_reason = Column(String(255))


class AuditLog(Base):
    __tablename__ = "audit_logs"

    id = Column(Integer, primary_key=True)
    request_id = Column(UUID(as_uuid=True), nullable=False)
    user_id = Column(Integer, ForeignKey("usuarios.id"))
    action = Column(String(50), nullable=False)
    resource_type = Column(String(50), nullable=False)
    resource_id = Column(Integer)
    new_values = Column(JSON)
    endpoint = Column(String(255))
    method = Column(String(10))
    ip_address = Column(String(50))
    user_agent = Column(String(255))
