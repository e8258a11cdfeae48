-- The triggers of SQLite have no variables; the two folders have the same migrations.
SELECT 1;
