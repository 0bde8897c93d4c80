-- Any text of more than one word is an instruction; {column} stands for the column's value.
SELECT id,
       llm('Is this review of {product} positive? Answer yes or no.', product, review,
           map('labels', array('yes', 'no'))) AS likes_it,
       substring(regexp_replace(review, '\\s+', ' '), 1, 50) AS review
FROM reviews
WHERE category = (SELECT min(category) FROM reviews)
ORDER BY id
