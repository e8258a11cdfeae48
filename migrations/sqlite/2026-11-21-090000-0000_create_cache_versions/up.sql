-- The stamp of every tag. n counts its changes; r is a new random number at each change, so that the stamps
-- of a restored backup differ from those of later changes. See docs/ARCHITECTURE.md, "Freshness".
CREATE TABLE cache_versions (
  tag TEXT NOT NULL PRIMARY KEY,
  n INTEGER NOT NULL,
  r INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The stamp of the tag *everything* starts at a random number, so that no other database has the same stamps.
INSERT INTO cache_versions VALUES ('!', 1, random()), ('*', 1, random());
