DROP TABLE guests;
DROP TABLE events;
