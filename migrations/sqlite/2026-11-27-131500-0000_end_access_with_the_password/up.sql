-- Another password ends what was signed in and what programs show, also where it is changed in SQL: it may be
-- changed because the old one is known to others, who have tokens by now.
CREATE TRIGGER accounts_password_changed AFTER UPDATE OF password_hash ON accounts
WHEN OLD.password_hash <> NEW.password_hash
BEGIN
  DELETE FROM sessions WHERE account_id = NEW.id;
  DELETE FROM tokens WHERE account_id = NEW.id;
END;
