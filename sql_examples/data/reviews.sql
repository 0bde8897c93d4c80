-- The view that the examples read, for shells: run them in the folder above sql_examples.
CREATE TEMPORARY VIEW reviews USING csv OPTIONS (
  path 'sql_examples/data/reviews.csv', header true, inferSchema true, multiLine true, escape '"'
);
