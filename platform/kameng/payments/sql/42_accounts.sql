-- Guarded readers for choosing an account. A station's page learns yes or no, never an amount of somebody else.

-- Whether an account still has room for a payment within its limit of the day in China: what was paid, and what is open.
-- p_lock: others that want room of it wait for the end of this transaction. True without a limit.
-- grant: app, main
CREATE OR REPLACE FUNCTION account_room(p_station bigint, p_holder bigint, p_plugin text, p_account text, p_amount bigint, p_lock boolean)
RETURNS TABLE (room boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_limit bigint; v_day timestamptz := date_trunc('day', now() AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai';
BEGIN
  PERFORM _enter_station(p_station);
  SELECT p.daily_limit INTO v_limit FROM payment_account p
   WHERE p.station_id = p_holder AND p.plugin_id = p_plugin AND p.account = p_account AND p_holder IN (1, p_station);
  IF v_limit IS NULL THEN RETURN QUERY SELECT true; RETURN; END IF;
  IF p_lock THEN PERFORM pg_advisory_xact_lock(hashtextextended('account:' || p_holder || ':' || p_plugin || ':' || p_account, 0)); END IF;
  RETURN QUERY SELECT p_amount + _account_taken(p_holder, p_plugin, p_account, v_day) <= v_limit;
END $f$;

-- What an account has taken since p_since, and what is open since then; a transfer by hand counts as open for two hours.
-- grant: nobody
CREATE OR REPLACE FUNCTION _account_taken(p_holder bigint, p_plugin text, p_account text, p_since timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT (SELECT coalesce(sum(a.amount), 0) FROM payment_attempt a WHERE a.account_station_id = p_holder AND a.plugin_id = p_plugin AND a.account = p_account
            AND a.state = 'succeeded' AND a.paid_at >= p_since)::bigint
       + (SELECT coalesce(sum(a.amount), 0) FROM payment_attempt a WHERE a.account_station_id = p_holder AND a.plugin_id = p_plugin AND a.account = p_account
            AND (a.next_query_at IS NOT NULL OR a.cashier ? 'details' AND a.created_at > now() - interval '2 hours')
            AND a.state IN ('created', 'sent', 'unknown') AND a.created_at >= p_since AND a.expires_at > now())::bigint
$f$;

-- Whether a station's prepaid account covers what the levels above are due: for an order, for goods not ordered yet, or
-- with neither: whether there is anything at all.
-- grant: app, main
CREATE OR REPLACE FUNCTION prepaid_covers(p_station bigint, p_order_no text, p_sku text, p_quantity int) RETURNS TABLE (covered boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_due bigint;
BEGIN
  PERFORM _enter_station(p_station);
  IF p_order_no <> '' THEN
    SELECT _wholesale(p_station, o.id) INTO v_due FROM orders o WHERE o.station_id = p_station AND o.order_no = p_order_no;
  ELSIF p_sku <> '' THEN
    SELECT (c.cost + (SELECT coalesce(sum(u.margin), 0) FROM unnest(c.parties, c.margins) AS u(party, margin) WHERE u.party <> p_station))::numeric * p_quantity
      INTO v_due FROM price_chain c JOIN sku s ON s.id = c.sku_id WHERE c.station_id = p_station AND s.code = p_sku;
  END IF;
  RETURN QUERY SELECT coalesce((SELECT b.balance - b.floor >= greatest(v_due, 1) FROM account a JOIN account_balance b ON b.account_id = a.id
    WHERE a.station_id = p_station AND a.kind = 'prepaid' AND a.ref = ''), false);
END $f$;
