"""A client of the gateway: budgets, receipts, reservations, decisions. Standard library only.

    client = bursar.Client("https://bursar.example.com", key=os.environ["BURSAR_KEY"])
    client.account("acme/research")["limits"][0]["left"]                    # "12.50 usd"
    made = client.decide("pacing", [{"reward": 0.8, "cost": {"usd": 0.02}}, {"reward": 0.6, "cost": {"usd": 0.002}}])
    client.observe(made["decision"], cost={"usd": 0.018}, reward=1)
    with client.hold("0.20 usd, 3 calls") as held:                          # reserve -> settle, or release
        held.settle("0.12 usd, 1 calls")

Answers are the documents of the gateway's own description (`/openapi.json`) as dicts. What the gateway refuses is
raised as the `bursar.Error` of its code, with its text and `status`; a gateway that cannot be reached is
`bursar.Unavailable`, one that does not answer in time `bursar.Timeout`. Every call has a connection of its own, so that
a client may be used by several threads. The key is sent to the gateway and stands nowhere else: not in
texts, not in a pickle.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
from types import TracebackType
from typing import Any, Mapping, NoReturn, Sequence
from urllib.parse import quote, urlencode, urlsplit

from . import _native
from .errors import InvalidArgument, Timeout, Unavailable, WrongType, error_of

__all__ = ["Client", "Hold"]

Json = dict[str, Any]

_MOST_BYTES = 64 << 20  # of an answer


class Client:
    """One gateway, as one caller.

    Args:
        url: of the gateway; http or https, host and port.
        key: a virtual key or access token; None: the environment variable BURSAR_KEY, or none.
        timeout_s: of every call, for connecting and for each wait for more of the answer.
        context: of TLS, such as ssl.create_default_context(cafile=…).
    """

    def __init__(self, url: str = "http://127.0.0.1:8484", *, key: str | None = None, timeout_s: float = 30.0,
                 context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise InvalidArgument("url: must be http://HOST[:PORT] or https://HOST[:PORT]")
        if parts.username or parts.password:
            raise InvalidArgument("url: must not hold a name or password; give the key as `key`")
        if not timeout_s > 0:
            raise InvalidArgument(f"timeout_s: is {timeout_s}; it must be positive")
        key = os.environ.get("BURSAR_KEY") if key is None else key
        if key is not None and not re.fullmatch(r"[\x21-\x7e]+", key):
            raise InvalidArgument("key: must be printable ASCII without blanks")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._key = key
        self._timeout_s = timeout_s
        self._context = context
        self._name = f"{parts.scheme}://{parts.netloc}{self._prefix}"

    def __repr__(self) -> str:
        return f"Client({self._name!r})"

    def __reduce__(self) -> NoReturn:
        raise WrongType("client: cannot be pickled, since it holds a key; make one where it is used")

    # What is spent, held and left.

    def accounts(self, under: str | None = None) -> list[Json]:
        """Accounts that the caller may see, parents before children; `under` one of them."""
        accounts: list[Json] = self._get("/v1/accounts", under=under)["accounts"]
        return accounts

    def account(self, path: str) -> Json:
        """One account with its limits: spent, held, left, when they refill."""
        return self._get("/v1/accounts/" + quote(path, safe=""))

    def receipts(self, under: str | None = None, *, since: str | None = None, until: str | None = None,
                 limit: int | None = None) -> list[Json]:
        """What was paid, newest last as the gateway lists it; times as "2026-01-31T12:00:00Z"."""
        answer = self._call("GET", "/v1/receipts", query={"under": under, "from": since, "to": until, "limit": limit})
        receipts: list[Json] = answer["receipts"]
        return receipts

    def status(self) -> Json:
        """How the gateway, its upstreams and its budgets stand. For administrators."""
        return self._get("/v1/status")

    # Reserve first, pay afterwards.

    def reserve(self, amounts: str, *, account: str | None = None, ttl: str | None = None,
                idempotency_key: str | None = None) -> Json:
        """Reserves amounts ("0.20 usd, 3 calls") on a path of accounts, all or nothing."""
        return self._post("/v1/reservations", amounts=amounts, account=account, ttl=ttl,
                          idempotency_key=idempotency_key)

    def settle(self, reservation: str, actual: str, *, memo: str | None = None, uncertain: bool | None = None) -> Json:
        """Pays what was used of a reservation; the rest returns."""
        return self._post(_reservation(reservation, "settle"), actual=actual, memo=memo, uncertain=uncertain)

    def release(self, reservation: str) -> Json:
        """Pays nothing."""
        return self._post(_reservation(reservation, "release"))

    def extend(self, reservation: str, ttl: str) -> Json:
        """Holds a reservation for `ttl` ("60 s") from now."""
        return self._post(_reservation(reservation, "extend"), ttl=ttl)

    def hold(self, amounts: str, *, account: str | None = None, ttl: str | None = None) -> Hold:
        """Reserves for a `with` block, which releases at its end what was not settled."""
        return Hold(self, self.reserve(amounts, account=account, ttl=ttl))

    # Decisions.

    def decide(self, policy: str, options: Sequence[Mapping[str, Any]] | None = None, *,
               context: Sequence[float] | None = None, key: str | None = None) -> Json:
        """Lets a named policy choose an option, or none ("option": None), and reserves what it may cost.

        Args:
            policy: its name in the gateway's configuration.
            options: {"reward", "cost": {"usd": …}, "hold": {…}} each; one without a cost is an auction.
            context: features, as the policy says.
            key: the same key gives the same decision for ten minutes, so that a call can be repeated.
        """
        return self._post("/v1/decide", policy=policy, options=None if options is None else [dict(o) for o in options],
                          context=None if context is None else [float(x) for x in context], key=key)

    def observe(self, decision: str, *, cost: Mapping[str, float] | None = None, reward: float | None = None) -> Json:
        """Pays what a decision really cost, and tells its policy; once. Without a cost: as expected."""
        return self._post("/v1/observe", decision=decision, cost=None if cost is None else dict(cost), reward=reward)

    def allocate(self, problem: Mapping[str, Any]) -> Json:
        """Divides a budget among known items: the document of docs/allocate.md, and its answer. Nothing is charged."""
        return self._call("POST", "/v1/allocate", body=dict(problem))

    # One call.

    def _get(self, path: str, **query: Any) -> Json:
        return self._call("GET", path, query=query)

    def _post(self, path: str, **body: Any) -> Json:
        return self._call("POST", path, body={name: value for name, value in body.items() if value is not None})

    def _call(self, method: str, path: str, *, query: Mapping[str, Any] | None = None,
              body: Json | None = None) -> Json:
        asked = urlencode({name: value for name, value in (query or {}).items() if value is not None})
        headers = {"accept": "application/json", "connection": "close",
                   "user-agent": "bursar-python/" + _native.version}
        if self._key is not None:
            headers["authorization"] = "Bearer " + self._key
        content = None
        if body is not None:
            content = _written(body)
            headers["content-type"] = "application/json"
        connection = self._connection()
        try:
            connection.request(method, self._prefix + path + ("?" + asked if asked else ""), content, headers)
            response = connection.getresponse()
            text = response.read(_MOST_BYTES + 1)
        except socket.timeout:
            raise Timeout(f"{self._name}: no answer within {self._timeout_s:g} s", retryable=True) from None
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{self._name}: {error or type(error).__name__}; is the gateway running?",
                              retryable=True) from None
        finally:
            connection.close()
        return _answer(self._name, response.status, response.getheader("retry-after"), text)

    def _connection(self) -> http.client.HTTPConnection:
        if self._secure:
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=self._context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)


class Hold:
    """A reservation of Client.hold(): settle() it once; the end of the `with` block releases one that was not."""

    def __init__(self, client: Client, reservation: Json) -> None:
        self._client = client
        self.reservation = reservation
        self._open = True

    def settle(self, actual: str, *, memo: str | None = None) -> Json:
        """Pays what was used; the rest returns."""
        answer = self._client.settle(self.reservation["id"], actual, memo=memo)
        self._open = False
        return answer

    def release(self) -> Json:
        """Pays nothing."""
        answer = self._client.release(self.reservation["id"])
        self._open = False
        return answer

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._open:
            self.release()


def _reservation(name: str, verb: str) -> str:
    return f"/v1/reservations/{quote(name, safe='')}:{verb}"


def _written(body: Json) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except ValueError as error:
        raise InvalidArgument(f"body: {error}; every number must be finite") from None
    except TypeError as error:
        raise WrongType(f"body: {error}; give numbers, text, lists and dicts") from None


def _answer(name: str, status: int, retry_after: str | None, text: bytes) -> Json:
    if len(text) > _MOST_BYTES:
        raise Unavailable(f"{name}: the answer is larger than {_MOST_BYTES >> 20} MiB")
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if 200 <= status < 300 and isinstance(document, dict):
        return document
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        raise Unavailable(f"{name}: answered {status} with no document of a gateway", status=status)
    wait = float(retry_after) if retry_after and retry_after.isdigit() else None
    raise error_of(str(error.get("code", "internal")), str(error.get("message", "")), status in (429, 503), wait,
                   {k: v for k, v in error.items() if k not in ("code", "message")} or None, status)
