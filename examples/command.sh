#!/bin/sh
# Queues an activity and a comment on it in one transaction, and prints the ids of the two items:
#     sh command.sh NAME
# Needs a target: `syncq target add NAME URL`. The queue file is made when it is not there.
set -eu
id=$(od -An -v -tx1 -N16 /dev/urandom | tr -d ' \n')
# A program makes the JSON text, so no character of the name can end it. `jq -n --arg name "$1" '$name'` does the same.
name=$(node -p 'JSON.stringify(process.argv[1])' -- "$1")
syncq enqueue --from - <<LINES
{"method": "POST", "path": "/activities", "entity": "activity/$id", "payload": {"id": "$id", "name": $name}}
{"method": "POST", "path": "/activities/$id/comments", "entity": "activity/$id", "payload": {"text": "done"}}
LINES
