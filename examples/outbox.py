# Stores an activity, queues it and a comment on it in the same transaction, and prints the ids of the two items:
#     python3 outbox.py QUEUE_FILE NAME
# Needs SQLite 3.37 or newer, and a queue file that syncq made and that knows the target: see docs/queue-file.md.
import json, sqlite3, sys, urllib.parse, uuid

INSERT = """INSERT INTO outbox (method, path, payload, entity_type, entity_id, idempotency_key)
  VALUES ('POST', ?, ?, 'activity', ?, ?)"""

path, name = sys.argv[1:]
# mode=rw never makes a file by accident. IMMEDIATE takes the write lock first, and waits up to 10 s for it.
db = sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode=rw", uri=True, timeout=10, isolation_level="IMMEDIATE")
db.execute("PRAGMA synchronous = FULL")  # a commit that was acknowledged survives a power cut
db.execute("PRAGMA wal_autocheckpoint = 0")  # syncq makes the checkpoints; before SQLite 3.51.3 one can damage the file
db.execute("CREATE TABLE IF NOT EXISTS app_activity (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT")
activity = str(uuid.uuid4())
keys = create, comment = f"{activity}-create", f"{activity}-comment"
with db:  # all three rows or none
    db.execute("INSERT INTO app_activity VALUES (?, ?)", (activity, name))
    db.executemany(INSERT, [
        ("/activities", json.dumps({"id": activity, "name": name}), activity, create),
        (f"/activities/{activity}/comments", json.dumps({"text": "done"}), activity, comment),
    ])
for (item,) in db.execute("SELECT id FROM outbox WHERE idempotency_key IN (?, ?) ORDER BY id", keys):
    print(item)
