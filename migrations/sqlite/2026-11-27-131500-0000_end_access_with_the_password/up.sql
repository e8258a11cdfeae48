-- A changed password ends all sessions and tokens of the account, also if it is changed in SQL: others may have
-- known the old password and hold tokens by now.
CREATE TRIGGER accounts_password_changed AFTER UPDATE OF password_hash ON accounts
WHEN OLD.password_hash <> NEW.password_hash
BEGIN
  DELETE FROM sessions WHERE account_id = NEW.id;
  DELETE FROM tokens WHERE account_id = NEW.id;
END;
