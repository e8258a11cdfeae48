-- Nothing to do: the triggers of SQLite have no variables. The two folders have the same migrations.
SELECT 1;
