DROP TABLE scores;
DROP TABLE members;
