-- The stamp of every tag: n counts its changes, r is drawn anew at each, so that a restored backup
-- is never mistaken for the history it was taken from. See docs/ARCHITECTURE.md, "Freshness".
CREATE TABLE cache_versions (
  tag TEXT NOT NULL PRIMARY KEY,
  n INTEGER NOT NULL,
  r INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The generation starts at a number of its own: another database never looks like this one.
INSERT INTO cache_versions VALUES ('!', 1, random()), ('*', 1, random());
