#!/usr/bin/env python3
"""Stores an activity and queues its delivery in one transaction, then shows what the queue says about it.

    python3 outbox.py QUEUE_FILE NAME

Needs Python 3.8 or newer with SQLite 3.37 or newer. The queue file is made by syncq (for instance by
`syncq watch`), which also has to know the target: see docs/queue-file.md.
"""

import json
import sqlite3
import sys
import uuid


def open_queue(path):
    # mode=rw: never make a file by accident. isolation_level=None: this program says BEGIN and COMMIT itself.
    db = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=10, isolation_level=None)
    if sqlite3.sqlite_version_info < (3, 37):
        sys.exit(f"SQLite {sqlite3.sqlite_version} is too old for this file, 3.37 is needed")
    # A commit that was acknowledged survives a power cut. Some builds and drivers default to less.
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE IF NOT EXISTS app_activity (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT")
    return db


def register(db, name):
    """Both rows or neither: the activity, and the write that brings it to the server."""
    key = str(uuid.uuid4())
    db.execute("BEGIN IMMEDIATE")
    try:
        activity = db.execute("INSERT INTO app_activity (name) VALUES (?)", (name,)).lastrowid
        db.execute(
            "INSERT INTO outbox (method, path, payload, entity_type, entity_id, idempotency_key) VALUES (?, ?, ?, ?, ?, ?)",
            ("PUT", f"/activities/{activity}", json.dumps({"name": name}), "activity", activity, key),
        )
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    # INSERT into a view gives no id back: the item is found by its key.
    (item,) = db.execute("SELECT id FROM outbox WHERE idempotency_key = ?", (key,)).fetchone()
    return activity, item


def main():
    path, name = sys.argv[1:]
    db = open_queue(path)
    activity, item = register(db, name)
    (state,) = db.execute("SELECT state FROM items WHERE id = ?", (item,)).fetchone()
    print(f"activity {activity} is item {item}, {state}")
    for target, state, pending, review in db.execute("SELECT target, state, pending, review FROM status"):
        print(f"{target}: {state}, {pending} to deliver, {review} need a person")
    db.close()


if __name__ == "__main__":
    main()
