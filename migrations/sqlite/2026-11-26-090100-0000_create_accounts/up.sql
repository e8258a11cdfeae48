CREATE TABLE accounts (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 50),
  -- The name as it is compared; written by the program, which folds case in every language. Unique, so that
  -- no account can be taken for another one. Accounts are read by their table, never by their row.
  folded_name TEXT NOT NULL UNIQUE,
  -- Argon2id, in the PHC string format.
  password_hash TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;

-- The table holds SHA-256 of the browser's token and not the token, so its readers cannot impersonate an account.
CREATE TABLE sessions (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  token_hash TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT;

CREATE INDEX sessions_by_account ON sessions (account_id);

-- The tokens of programs, hashed in the same way. They do not expire.
CREATE TABLE tokens (
  id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  token_hash TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL
) STRICT;

CREATE INDEX tokens_by_account ON tokens (account_id);

-- A session or token that is deleted ends at once, whichever program deletes it.
CREATE TRIGGER accounts_cache_insert AFTER INSERT ON accounts
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('accounts', 1, random()), ('accounts#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER accounts_cache_update AFTER UPDATE ON accounts
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('accounts', 1, random()), ('accounts#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'accounts#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER accounts_cache_delete AFTER DELETE ON accounts
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('accounts', 1, random()), ('accounts#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER sessions_cache_insert AFTER INSERT ON sessions
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('sessions', 1, random()), ('sessions#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER sessions_cache_update AFTER UPDATE ON sessions
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('sessions', 1, random()), ('sessions#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'sessions#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER sessions_cache_delete AFTER DELETE ON sessions
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('sessions', 1, random()), ('sessions#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER tokens_cache_insert AFTER INSERT ON tokens
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('tokens', 1, random()), ('tokens#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER tokens_cache_update AFTER UPDATE ON tokens
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('tokens', 1, random()), ('tokens#' || (NEW.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
  INSERT INTO cache_versions
  SELECT 'tokens#' || (OLD.id & 255), 1, random() WHERE OLD.id <> NEW.id
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;

CREATE TRIGGER tokens_cache_delete AFTER DELETE ON tokens
BEGIN
  INSERT INTO cache_versions
  VALUES ('*', 1, random()), ('tokens', 1, random()), ('tokens#' || (OLD.id & 255), 1, random())
  ON CONFLICT (tag) DO UPDATE SET n = n + 1, r = excluded.r;
END;
