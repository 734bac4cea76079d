#!/bin/sh
# Queues an activity and a comment on it in one transaction, and prints the ids of the two items:
#     sh outbox.sh QUEUE_FILE NAME
# Needs sqlite3 3.38 or newer, and a queue file that syncq made and that knows the target: see docs/queue-file.md.
set -eu
path=$1 name=$2
# The name enters the SQL as hex digits: no character of it can end a text. (.parameter set would evaluate it as SQL.)
hex() { od -An -v -tx1 "$@" | tr -d ' \n'; }
name=$(printf %s "$name" | hex) id=$(hex -N16 /dev/urandom)
# mode=rw never makes a file by accident. In such a URI three characters of a path need an escape.
uri="file:$(printf %s "$path" | sed 's/%/%25/g; s/?/%3f/g; s/#/%23/g')?mode=rw"
sqlite3 -batch -bail -init /dev/null -cmd '.timeout 10000' "$uri" <<SQL
PRAGMA synchronous = FULL; -- a commit that was acknowledged survives a power cut
.once /dev/null
PRAGMA wal_autocheckpoint = 0; -- syncq makes the checkpoints; before SQLite 3.51.3 one can damage the file
BEGIN IMMEDIATE; -- tables of your own take part: their names begin with app_
INSERT INTO outbox (method, path, payload, entity_type, entity_id, idempotency_key) VALUES
  ('POST', '/activities', json_object('id', '$id', 'name', CAST(x'$name' AS TEXT)), 'activity', '$id', '$id-create'),
  ('POST', '/activities/$id/comments', json_object('text', 'done'), 'activity', '$id', '$id-comment');
COMMIT;
SELECT id FROM outbox WHERE idempotency_key IN ('$id-create', '$id-comment') ORDER BY id;
SQL
