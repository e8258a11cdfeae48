DROP TRIGGER accounts_moved ON accounts;

DROP TRIGGER accounts_replaced ON accounts;
