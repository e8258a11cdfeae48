DROP TABLE ingredients;
DROP TABLE foods;
DROP TABLE recipes;
