"""bursar.Client against a real gateway, and against a server that says what gateways say when something is wrong."""

import http.server
import json
import os
import pickle
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

import bursar

BURSAR = Path(os.environ.get("BURSAR_PROGRAMS", "")) / "bursar"
KEY = "sk-bursar-nobody-may-read-this"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    if not BURSAR.is_file():
        pytest.skip("the program bursar is not built beside this test")
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "bursar.yaml").write_text(json.dumps({
        "listen": {"address": "127.0.0.1", "port": 0},
        "accounts": [{"path": "dev", "limits": ["2 usd", "100 calls"]}, {"path": "dev/ads", "limits": ["1 usd"]}],
        "policies": [{"name": "pacing", "policy": "dual-mirror-descent", "account": "dev/ads", "budget": "1 usd", "horizon": 200}],
        "upstreams": [],
    }))
    child = subprocess.Popen([BURSAR, "serve", "-c", "bursar.yaml"], cwd=folder, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    try:
        for line in child.stdout:
            if found := re.search(r"listening on https?://\S*?:(\d+)", line):
                break
        threading.Thread(target=child.stdout.read, daemon=True).start()
        yield f"http://127.0.0.1:{found.group(1)}"
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(20)
        finally:
            child.kill()


def test_a_decision_is_reserved_and_paid(gateway):
    client = bursar.Client(gateway)
    made = client.decide("pacing", [{"reward": 0.8, "cost": {"usd": 0.02}}, {"reward": 0.1, "cost": {"usd": 0.5}}], key="a")
    assert made["option"] == 0 and made["reserved"] == {"usd": 0.02}
    assert client.decide("pacing", [{"reward": 0.8, "cost": {"usd": 0.02}}, {"reward": 0.1, "cost": {"usd": 0.5}}], key="a") == made
    assert client.observe(made["decision"], cost={"usd": 0.018}, reward=1)["settled"] == {"usd": 0.018}
    assert client.account("dev/ads")["limits"][0]["spent"] == "0.018 usd"
    assert [account["account"] for account in client.accounts("dev/ads")] == ["dev/ads"]
    for _ in range(100):  # receipts are written in groups
        if receipts := client.receipts("dev/ads"):
            break
        time.sleep(0.05)
    assert receipts[-1]["actual"] == "0.018 usd"
    with pytest.raises(bursar.AlreadyExists) as caught:
        client.observe(made["decision"], cost={"usd": 0.018})
    assert caught.value.status == 409


def test_a_hold_is_settled_or_released(gateway):
    client = bursar.Client(gateway)
    with client.hold("0.20 usd, 3 calls", account="dev") as held:
        assert client.account("dev")["limits"][0]["held"] == "0.20 usd"
        assert held.settle("0.12 usd, 1 calls", memo="test")["state"] == "settled"
    with pytest.raises(ZeroDivisionError), client.hold("0.20 usd", account="dev"):
        raise ZeroDivisionError
    limits = client.account("dev")["limits"]
    assert limits[0]["held"] == "0.00 usd" and limits[1]["spent"] == "1 calls"
    kept = client.reserve("1 calls", account="dev", ttl="60 s")
    client.extend(kept["id"], "90 s")
    assert client.release(kept["id"])["state"] == "released"


def test_errors_have_the_code_and_the_text_of_the_gateway(gateway):
    client = bursar.Client(gateway)
    with pytest.raises(bursar.Exhausted, match="usd") as caught:
        client.reserve("500 usd", account="dev")
    assert caught.value.status in (402, 429) and caught.value.code == "exhausted"
    with pytest.raises(bursar.NotFound) as caught:
        client.account("nobody/here")
    assert isinstance(caught.value, KeyError) and "nobody/here" in str(caught.value)
    with pytest.raises(bursar.InvalidArgument, match=r"\$\.options"):
        client.decide("pacing", [{"reward": 1, "costs": {}}])


def test_a_problem_is_allocated_as_it_is_here(gateway):
    value, cost = [[0, 5], [0, 9]], [[0, 2], [0, 6]]
    answer = bursar.Client(gateway).allocate({"budget": 6, "value": value, "cost": cost})
    here = bursar.allocate.choose(value, cost, 6)
    assert answer["choice"] == here.choice.tolist() and answer["value"] == here.value and answer["bound"] == here.bound


class Door(http.server.BaseHTTPRequestHandler):
    asked = []

    def do_GET(self):  # noqa: N802
        Door.asked.append(dict(self.headers))
        status, headers, body = {
            "/v1/status": (429, {"retry-after": "7"}, {"error": {"code": "exhausted", "message": "Too fast.", "limit": 5}}),
            "/v1/accounts": (500, {}, {"error": {"code": "novel_trouble", "message": "New."}}),
            "/v1/receipts": (502, {}, None),
        }[self.path.split("?")[0]]
        text = b"<html>proxy</html>" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def door():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_what_an_answer_says_beside_its_text_is_kept(door):
    client = bursar.Client(door, key=KEY)
    with pytest.raises(bursar.Exhausted, match="^Too fast.$") as caught:
        client.status()
    error = caught.value
    assert (error.retryable, error.retry_after_s, error.payload, error.status) == (True, 7.0, {"limit": 5}, 429)
    with pytest.raises(bursar.Error, match="New.") as caught:
        client.accounts()
    assert caught.value.code == "novel_trouble"
    with pytest.raises(bursar.Unavailable, match="answered 502 with no document of a gateway"):
        client.receipts()
    assert Door.asked[-1]["authorization"] == "Bearer " + KEY
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.retry_after_s) == (bursar.Exhausted, "Too fast.", 7.0)


def test_nobody_there_and_no_answer():
    with pytest.raises(bursar.Unavailable, match="is the gateway running") as caught:
        bursar.Client("http://127.0.0.1:9", key=KEY).status()
    assert isinstance(caught.value, ConnectionError) and KEY not in str(caught.value)
    with socket_that_says_nothing() as port, pytest.raises(bursar.Timeout, match="no answer within 0.2 s"):
        bursar.Client(f"http://127.0.0.1:{port}", timeout_s=0.2).status()


def socket_that_says_nothing():
    import contextlib
    import socket

    @contextlib.contextmanager
    def listening():
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    return listening()


def test_the_key_is_told_to_nobody(monkeypatch):
    client = bursar.Client("http://localhost:9", key=KEY)
    assert KEY not in repr(client) + str(client)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(client)
    for wrong in (KEY + "\nx: y", "", "sk ey"):
        with pytest.raises(bursar.InvalidArgument, match="^key: must be printable") as caught:
            bursar.Client(key=wrong)
        assert KEY not in str(caught.value)
    with pytest.raises(bursar.InvalidArgument, match="url: must not hold a name or password") as caught:
        bursar.Client(f"http://me:{KEY}@localhost")
    assert KEY not in str(caught.value)
    monkeypatch.setenv("BURSAR_KEY", KEY)
    assert KEY not in repr(bursar.Client())


@pytest.mark.parametrize(("call", "says"), [
    (lambda: bursar.Client("ftp://localhost"), "url"),
    (lambda: bursar.Client("localhost:8484"), "url"),
    (lambda: bursar.Client(timeout_s=0), "timeout_s: is 0; it must be positive"),
    (lambda: bursar.Client().observe("x", reward=float("nan")), "every number must be finite"),
    (lambda: bursar.Client().allocate({"budget": object()}), "give numbers, text, lists and dicts"),
])
def test_bad_input_is_refused(call, says):
    with pytest.raises(bursar.InvalidArgument, match=says):
        call()
