"""Checks the includes of the files named: a room includes lower floors only, by whole path, and no header that other
rooms include brings a heavy library with it."""

import re
import sys

FLOORS = {
    "core": 0,
    "ledger": 1, "allocate": 1,
    "admit": 2, "explore": 2, "sample": 2, "schedule": 2, "agree": 2,
    "plan": 3, "learn": 3,
    "compress": 4, "splat": 4, "fiscal": 4, "calendar": 4, "broker": 4,
    "cli": 5,
}
HEAVY = re.compile(r"boost/(asio|beast)|torch/|sqlite3\.h|yaml-cpp|prometheus/|spdlog/|simdjson|openssl/|libpqxx|pqxx/")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def room_of(path):
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "bursar" else None


def complaints(path):
    room = room_of(path)
    if room is None:
        return
    if room not in FLOORS:
        yield f"{path}: room '{room}' has no floor in scripts/lint_floors.py"
        return
    with open(path, encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quote, included = match.groups()
            if path.endswith(".h") and HEAVY.match(included):
                yield f"{path}:{number}: <{included}> is heavy; keep it in a .cc file"
            if quote == '"' and not included.startswith("bursar/"):
                yield f"{path}:{number}: \"{included}\" is not a whole path from the source root"
            other = room_of(included)
            if other and other != room and FLOORS.get(other, 99) >= FLOORS[room]:
                yield f"{path}:{number}: {room} (floor {FLOORS[room]}) includes {other} (floor {FLOORS.get(other, '?')})"


found = [complaint for path in sys.argv[1:] for complaint in complaints(path)]
print("\n".join(found), file=sys.stderr) if found else None
sys.exit(1 if found else 0)
