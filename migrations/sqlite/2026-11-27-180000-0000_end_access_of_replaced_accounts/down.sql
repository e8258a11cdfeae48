DROP TRIGGER accounts_moved;

DROP TRIGGER accounts_replaced;
