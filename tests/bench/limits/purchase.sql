\set n random(0, 99)
\set sku random(0, 99)
\set key :first_key + :n
\set station CASE WHEN :n < 50 THEN 1 ELSE 101 + (:n - 50) / 5 END
SELECT 1 / (code = 'ok')::int FROM buy_with_balance(p_station => :station::bigint, p_key => :key::bigint, p_number => gen_random_uuid()::text, p_hash => '\x00'::bytea,
  p_sku => 'B' || :sku::text, p_quantity => 1, p_max_total => NULL::bigint, p_inputs => '{}'::jsonb, p_ip => '127.0.0.1',
  p_order_no => gen_random_uuid()::text, p_attempt_no => gen_random_uuid()::text, p_secret_hash => '\x00'::bytea,
  p_risk => 'allow', p_risk_reasons => '[]'::jsonb, p_risk_facts => '{}'::jsonb, p_notify_url => '');
