"""Checks the includes of the files named on the command line.

A room includes lower floors only, and by whole path. A header that another room includes, directly or through others,
brings no heavy library with it; headers that stay inside their room may.
"""

import re
import sys

FLOORS = {
    "core": 0,
    "ledger": 1, "allocate": 1,
    "admit": 2, "explore": 2, "sample": 2, "schedule": 2, "agree": 2, "simulate": 2,
    "plan": 3, "learn": 3,
    "compress": 4, "splat": 4, "fiscal": 4, "calendar": 4, "broker": 4,
    "cli": 5,
}
HEAVY = re.compile(r"boost/(asio|beast)|torch/|sqlite3\.h|yaml-cpp|prometheus/|spdlog/|simdjson|openssl/|cjose/|pqxx/|mpi\.h|Clp|re2/")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def room_of(path):
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "bursar" else None


def includes_of(path):
    with open(path, encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            if match := INCLUDE.match(line):
                yield number, *match.groups()


def floor_complaints(path, includes):
    room = room_of(path)
    if room not in FLOORS:
        yield f"{path}: room '{room}' has no floor in scripts/lint_floors.py"
        return
    for number, quote, included in includes:
        if quote == '"' and not included.startswith("bursar/"):
            yield f"{path}:{number}: \"{included}\" is not a whole path from the source root"
        other = room_of(included)
        if other and other != room and FLOORS.get(other, 99) >= FLOORS[room]:
            yield f"{path}:{number}: {room} (floor {FLOORS[room]}) includes {other} (floor {FLOORS.get(other, '?')})"


def public_headers(graph):
    """Every header that a file outside its room can reach."""
    reached = set()
    waiting = [name for path, includes in graph.items() for _, _, name in includes
               if name in graph and room_of(name) != room_of(path)]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [further for _, _, further in graph[name] if further in graph]
    return reached


def main(paths):
    graph = {path: list(includes_of(path)) for path in paths}
    found = [complaint for path in paths if room_of(path) for complaint in floor_complaints(path, graph[path])]
    for header in sorted(public_headers(graph)):
        found += [f"{header}:{number}: <{name}> is heavy, and other rooms include this header; keep it in a .cc file"
                  for number, _, name in graph[header] if HEAVY.match(name)]
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


sys.exit(main(sys.argv[1:]))
