<?php
// Stores an activity, queues it and a comment on it in the same transaction, and prints the ids of the two items:
//     php outbox.php QUEUE_FILE NAME
// Needs PHP 8.1, SQLite 3.37, and a queue file that syncq made and that knows the target: see docs/queue-file.md.
[, $path, $name] = $argv;
// mode=rw never makes a file by accident. In such a URI three characters of a path need an escape.
$uri = 'file:' . strtr($path, ['%' => '%25', '?' => '%3f', '#' => '%23']) . '?mode=rw';
$db = new PDO("sqlite:$uri", options: [PDO::ATTR_TIMEOUT => 10]);
$db->exec('PRAGMA synchronous = FULL'); // a commit that was acknowledged survives a power cut
$db->exec('PRAGMA wal_autocheckpoint = 0'); // syncq makes the checkpoints; before SQLite 3.51.3 one can damage the file
$db->exec('CREATE TABLE IF NOT EXISTS app_activity (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT');
$id = bin2hex(random_bytes(16));
$activity = json_encode(['id' => $id, 'name' => $name], JSON_THROW_ON_ERROR);
$insert = $db->prepare("INSERT INTO outbox (method, path, payload, entity_type, entity_id, idempotency_key)
  VALUES ('POST', ?, ?, 'activity', ?, ?)");
$db->exec('BEGIN IMMEDIATE'); // all three rows or none: an error ends the program, and SQLite takes them back
$db->prepare('INSERT INTO app_activity VALUES (?, ?)')->execute([$id, $name]);
$insert->execute(['/activities', $activity, $id, "$id-create"]);
$insert->execute(["/activities/$id/comments", '{"text":"done"}', $id, "$id-comment"]);
$db->exec('COMMIT');
$items = $db->query("SELECT id FROM outbox WHERE idempotency_key IN ('$id-create', '$id-comment') ORDER BY id");
echo implode("\n", $items->fetchAll(PDO::FETCH_COLUMN)), "\n";
