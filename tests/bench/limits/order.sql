\set product random(1, 100)
\set buyer random(1001, 11000)
SELECT bare_buy(:buyer, :product, gen_random_uuid()::text);
