-- A changed password ends all sessions and tokens of the account, also if it is changed in SQL: others may have
-- known the old password and hold tokens by now.
CREATE FUNCTION end_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  DELETE FROM sessions WHERE account_id = NEW.id;
  DELETE FROM tokens WHERE account_id = NEW.id;
  RETURN NULL;
END $$;

CREATE TRIGGER accounts_password_changed AFTER UPDATE OF password_hash ON accounts
FOR EACH ROW WHEN (OLD.password_hash <> NEW.password_hash) EXECUTE FUNCTION end_access();

ALTER TABLE accounts ENABLE ALWAYS TRIGGER accounts_password_changed;
