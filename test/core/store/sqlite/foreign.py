"""Another program: runs the statements it is given on stdin against a queue file and tells what each one did."""

import base64
import json
import sqlite3
import sys

db = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
db.execute("PRAGMA synchronous = FULL")


def given(value):
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value


def counts():
    return [db.execute("SELECT count(*) FROM item").fetchall(), db.execute("SELECT count(*) FROM entity").fetchall(),
            db.execute("SELECT * FROM tally").fetchall()]


answers = []
for sql, values in json.load(sys.stdin):
    before = counts()
    try:
        rows = db.execute(sql, [given(value) for value in values]).fetchall()
        error = None
    except (sqlite3.Error, OverflowError) as failure:
        rows, error = [], str(failure)
    answers.append({"error": error, "same": before == counts(), "rows": rows})
json.dump(answers, sys.stdout)
