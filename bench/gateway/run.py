#!/usr/bin/env python3
"""The gateway beside nginx and haproxy: requests a second, median latency, and CPU of each process per request.

    scripts/bench gateway [--rounds 5] [--seconds 3] [--work chat,mcp] [--connections 1,16,64]

Every round visits every gateway in turn, so that a neighbour's noise falls on all of them; figures are medians over the
rounds. CPU per request is what the gateway's processes used (user and system) over the requests that wrk counted: the
figure that a busy machine moves least. With Bursar everything is on: a virtual key, a reservation over five levels of
accounts and several resources, timeout allocation, receipts and the audit trail.
"""
import argparse, json, os, re, shutil, signal, statistics, subprocess, sys, tempfile, time, urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
THREADS = 4  # of wrk; each is an agent with a session of its own, over its share of the connections


def tree(pid):
    """A process and all below it."""
    out, todo = [], [pid]
    while todo:
        one = todo.pop()
        out.append(one)
        for task in Path(f"/proc/{one}/task").glob("*"):
            try:
                todo += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                pass
    return out


def cpu_seconds(pid):
    total = 0
    for one in tree(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return total / TICKS


def resident_mib(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024


def wait_for_port(port):
    import socket
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def post(port, path, body, headers=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {
        "Content-Type": "application/json", "Accept": "application/json, text/event-stream", **(headers or {})})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers, answer.read()


class Gateway:
    def __init__(self, name, port, process, key=None):
        self.name, self.port, self.process, self.key = name, port, process, key
        self.sessions = []

    def open_session(self):
        auth = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        headers, _ = post(self.port, "/mcp", {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}}, auth)
        session = headers.get("mcp-session-id", "")
        post(self.port, "/mcp", {"jsonrpc": "2.0", "method": "notifications/initialized"},
             {**auth, "Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"})
        self.sessions.append(session)


def start_nginx(folder, upstream):
    port = free_port()
    (folder / "nginx.conf").write_text(f"""
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; keepalive_requests 10000000;
  upstream up {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 10000000; }}
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; }} }} }}
""")
    process = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")])
    return Gateway("nginx", port, process)


def start_haproxy(folder, upstream):
    port = free_port()
    (folder / "haproxy.cfg").write_text(f"""
global
  nbthread 2
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
  http-reuse always
frontend f
  bind 127.0.0.1:{port}
  default_backend b
backend b
  server s 127.0.0.1:{upstream}
""")
    return Gateway("haproxy", port, subprocess.Popen(["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]))


def start_bursar(folder, upstream, binary):
    port = free_port()
    levels = ["acme", "acme/research", "acme/research/ada", "acme/research/ada/agent", "acme/research/ada/agent/job"]
    limits = "[1000000000 calls, 1000000000 usd, 1000000000 s]"
    models = "[1000000000 calls, 1000000000 usd, 1000000000 s, 1000000M tokens]"
    (folder / "bursar.yaml").write_text(f"""
listen: {{port: {port}}}
database: {folder}/bursar.db
limits: {{calls_per_principal: 10000}}
accounts:
""" + "".join(f"  - {{path: {path}, limits: {models}}}\n" for path in levels) + f"""
upstreams:
  - {{name: bench, url: "http://127.0.0.1:{upstream}/mcp", prefix: "", max_concurrent: 10000}}
prices:
  - {{price: "1 calls, 0.001 usd"}}
models:
  upstreams: [{{name: model, url: "http://127.0.0.1:{upstream}/v1", max_concurrent: 10000}}]
  routes: [{{model: bench, targets: [model/bench]}}]
  prices: [{{input: 2.50 usd, output: 10 usd}}]
log_level: warn
""")
    made = subprocess.run([binary, "keys", "create", "bench", "--account", levels[-1], "-c", str(folder / "bursar.yaml")],
                          capture_output=True, text=True, cwd=folder)
    if made.returncode != 0:
        raise SystemExit(f"bursar keys create: {made.stderr}")
    key = re.search(r"sk-bursar-\S+", made.stdout).group(0)
    log = open(folder / "bursar.log", "w")
    process = subprocess.Popen([binary, "serve", "-c", str(folder / "bursar.yaml")], stdout=log, stderr=log, cwd=folder)
    return Gateway("bursar", port, process, key)


def measure(gateway, work, connections, seconds):
    path, script = {"mcp": ("/mcp", "mcp_call.lua"), "chat": ("/v1/chat/completions", "chat.lua")}[work]
    environment = {**os.environ, "MCP_SESSIONS": ",".join(gateway.sessions), "BENCH_KEY": gateway.key or "none"}
    threads = min(THREADS, connections)
    before = cpu_seconds(gateway.process.pid)
    ran = subprocess.run(["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(HERE / script),
                          f"http://127.0.0.1:{gateway.port}{path}"], capture_output=True, text=True, env=environment)
    used = cpu_seconds(gateway.process.pid) - before
    requests = int(re.search(r"(\d+) requests in", ran.stdout).group(1))
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", ran.stdout)
    if wrong or not requests:
        raise SystemExit(f"{gateway.name} {work}: {ran.stdout}{ran.stderr}")
    value, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", ran.stdout).groups()
    return {"rps": requests / seconds, "p50_us": float(value) * {"us": 1, "ms": 1000, "s": 1e6}[unit],
            "cpu_us": used / requests * 1e6}


def idle_sessions(gateway, count):
    """Resident memory with that many sessions open and resting."""
    for _ in range(count):
        gateway.open_session()
    time.sleep(1)
    return resident_mib(gateway.process.pid)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--work", default="mcp,chat")
    parser.add_argument("--connections", default="1,16,64")
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--binary", default=str(ROOT / "build/release/bin/bursar"))
    options = parser.parse_args()
    for needed in ("wrk", "nginx", "haproxy"):
        if not shutil.which(needed):
            raise SystemExit(f"{needed} is missing; run scripts/bench gateway, which installs it")
    folder = Path(tempfile.mkdtemp(prefix="bursar-bench-"))
    server = subprocess.Popen([str(ROOT / "build/release/bin/bursar_gateway_bench_upstream")], stdout=subprocess.PIPE, text=True)
    upstream = json.loads(server.stdout.readline())["port"]
    gateways = [Gateway("direct", upstream, server), start_nginx(folder, upstream), start_haproxy(folder, upstream),
                start_bursar(folder, upstream, options.binary)]
    try:
        for gateway in gateways:
            wait_for_port(gateway.port)
        time.sleep(1.5)  # the catalogue has been read
        for gateway in gateways:
            for _ in range(THREADS):
                gateway.open_session()
        figures = {}
        for work in options.work.split(","):
            for connections in map(int, options.connections.split(",")):
                for gateway in gateways:
                    measure(gateway, work, connections, 1)  # warm
                for _ in range(options.rounds):
                    for gateway in gateways:
                        figures.setdefault((work, connections, gateway.name), []).append(
                            measure(gateway, work, connections, options.seconds))
        report(figures, options)
        if options.sessions:
            mib = idle_sessions(gateways[-1], options.sessions)
            print(f"memory: {mib:.1f} MiB resident with {options.sessions} idle sessions (bar 64)")
    finally:
        for gateway in gateways:
            gateway.process.send_signal(signal.SIGTERM)
            gateway.process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


def report(figures, options):
    middle = {key: {what: statistics.median(one[what] for one in rounds) for what in rounds[0]}
              for key, rounds in figures.items()}
    print(f"medians of {options.rounds} rounds of {options.seconds} s; {THREADS} agents, each a wrk thread with a session of its own")
    print(f"{'work':5} {'conn':>4} {'gateway':8} {'req/s':>9} {'p50 us':>8} {'cpu us/req':>10}")
    for (work, connections, name), row in middle.items():
        print(f"{work:5} {connections:4} {name:8} {row['rps']:9.0f} {row['p50_us']:8.0f} {row['cpu_us']:10.1f}")
    print()
    for work in options.work.split(","):
        bar(middle, work, 16, "CPU per request at 16 connections, of nginx", lambda b, n, d: b["cpu_us"] / n["cpu_us"], "<=", 2)
        bar(middle, work, 1, "added median at one connection, of nginx's",
            lambda b, n, d: (b["p50_us"] - d["p50_us"]) / max(n["p50_us"] - d["p50_us"], 1), "<=", 3)
        bar(middle, work, 64, "requests a second at 64 connections, of nginx", lambda b, n, d: b["rps"] / n["rps"], ">=", 0.6)


def bar(middle, work, connections, what, ratio, sense, limit):
    rows = [middle.get((work, connections, name)) for name in ("bursar", "nginx", "direct")]
    if None in rows:
        return
    value = ratio(*rows)
    good = value <= limit if sense == "<=" else value >= limit
    print(f"{work:5} {what}: {value:.2f} (bar {sense} {limit}) {'ok' if good else 'MISSED'}")


if __name__ == "__main__":
    main()
