-- What do customers think of each product?
SELECT product,
       count(*) AS reviews,
       count_if(sentiment = 'positive') AS positive,
       count_if(sentiment = 'negative') AS negative,
       count_if(sentiment = 'neutral') AS neutral
FROM (SELECT product, llm('classify', review) AS sentiment FROM reviews)
GROUP BY product
ORDER BY negative DESC, product;

-- Where do stars and text disagree?
SELECT id, stars, sentiment, substring(regexp_replace(review, '\\s+', ' '), 1, 50) AS review
FROM (SELECT *, llm('classify', review, map('labels', array('good', 'bad'))) AS sentiment FROM reviews)
WHERE (stars >= 4 AND sentiment = 'bad') OR (stars <= 2 AND sentiment = 'good')
ORDER BY id
