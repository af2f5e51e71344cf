"""MEXA's `POST /vales` as one would write it with Flask, SQLAlchemy's ORM and psycopg2. Packages: see
peer_contract.py. Run by the bench as `gunicorn --workers 2 --threads 4 flask_peer:app`."""

import time
from uuid import uuid4

from flask import Flask, g, jsonify, request
from pydantic import ValidationError
from sqlalchemy import create_engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import scoped_session, sessionmaker

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

engine = create_engine(DATABASE_URL, pool_size=10)
Session = scoped_session(sessionmaker(engine, expire_on_commit=False))

app = Flask(__name__)


@app.before_request
def identify():
    g.started = time.perf_counter()
    g.fields = {
        "request_id": request.headers.get("x-request-id") or str(uuid4()),
        "method": request.method,
        "path": request.path,
        "ip": request.remote_addr,
        "user_agent": request.headers.get("user-agent", ""),
    }
    g.fields["user_id"] = actor_id_of(request.headers.get("authorization"))


@app.after_request
def finish(response):
    response.headers["x-request-id"] = g.fields["request_id"]
    log_request(g.fields, response.status_code, g.started)
    return response


@app.teardown_appcontext
def end_session(_):
    Session.remove()


@app.post(PATH)
def issue():
    body = ValeIn.parse_obj(request.get_json())
    fields = g.fields
    drawer_id = body.user_id or fields["user_id"]
    vale = Vale(
        user_id=drawer_id,
        request_id=body.request_id or fields["request_id"],
        amount=body.amount,
        description=body.description,
        issued_by=fields["user_id"],
    )
    Session.add(vale)
    try:
        Session.flush()
    except IntegrityError:
        Session.rollback()
        return jsonify(vale_out(repeated(body, drawer_id))), 200
    Session.add(
        AuditLog(
            request_id=fields["request_id"],
            user_id=fields["user_id"],
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
    Session.commit()
    return jsonify(vale_out(vale)), 201


def repeated(body, drawer_id):
    """The voucher that the key has drawn before; a refusal where it was another, or where the user is unknown."""
    vale = Session.execute(select(Vale).where(Vale.request_id == body.request_id)).scalar_one_or_none()
    if vale is None:
        raise Refusal(422, f"There is no user {drawer_id}")
    if (vale.amount, vale.user_id, vale.description) != (body.amount, drawer_id, body.description):
        raise Refusal(422, f"Request {body.request_id} has drawn another voucher already")
    return vale


@app.errorhandler(Refusal)
def refuse(refusal):
    return jsonify(status=refusal.status, detail=refusal.detail), refusal.status


@app.errorhandler(ValidationError)
def refuse_input(error):
    return jsonify(status=422, detail=error.errors()[0]["msg"]), 422
