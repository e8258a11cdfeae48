-- Nothing to do: SQLite has one writer at a time. The two folders have the same migrations.
SELECT 1;
