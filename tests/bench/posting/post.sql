\set wallet random(1000001, 1002000)
SELECT _post(gen_random_uuid()::text, 1, NULL, NULL, NULL, ARRAY[:wallet]::bigint[], ARRAY[1000000]::bigint[], ARRAY[100]::bigint[], ARRAY['bench.pay']);
