-- The members of the tasting league, and what they like best.
CREATE TABLE members (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  favourite TEXT NOT NULL
) STRICT;

-- The number of the ten tastings of a week that a member guessed.
CREATE TABLE scores (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  member_id INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
  season INTEGER NOT NULL CHECK (season BETWEEN 1900 AND 9999),
  week INTEGER NOT NULL CHECK (week BETWEEN 1 AND 53),
  score INTEGER NOT NULL CHECK (score BETWEEN 0 AND 10)
) STRICT;

CREATE INDEX scores_by_season ON scores (season, week);
-- A member has at most one score per week.
CREATE UNIQUE INDEX scores_of_a_week ON scores (member_id, season, week);

-- The stamps change in the transaction of every writer, also of other programs.
CREATE TRIGGER members_cache_insert AFTER INSERT ON members
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('members', 1, random()), ('members#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER members_cache_update AFTER UPDATE ON members
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('members', 1, random()), ('members#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'members#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER members_cache_delete AFTER DELETE ON members
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('members', 1, random()), ('members#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER scores_cache_insert AFTER INSERT ON scores
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('scores', 1, random()), ('scores#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER scores_cache_update AFTER UPDATE ON scores
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('scores', 1, random()), ('scores#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'scores#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER scores_cache_delete AFTER DELETE ON scores
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('scores', 1, random()), ('scores#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;
