-- Money given back after delivery: each level returns its share of what it had earned.

-- The share of one leg in giving back p_refunded of p_payable. Every leg but the greatest is cut off towards zero, the
-- greatest takes the rest: all of it returned is exactly what was posted, and no leg's share ever falls.
-- grant: nobody
CREATE OR REPLACE FUNCTION _returned_share(p_leg bigint, p_refunded bigint, p_payable bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT div(p_leg::numeric * p_refunded, p_payable)::bigint
$f$;

-- Post the way back of a sale, for a refund that raises the sum given back from p_before to p_after. Released margins come
-- from what the station has available, which may fall below zero; the service fee on them goes back to it.
-- grant: nobody
CREATE OR REPLACE FUNCTION _post_return(p_station bigint, p_order bigint, p_attempt bigint, p_refund bigint, p_before bigint, p_after bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_own bigint; v_clearing bigint := _account(p_station, 'order_clearing'); w bigint[]; d bigint[] := '{}'; c bigint[] := '{}'; a bigint[] := '{}'; k text[] := '{}';
        n int; i int; big int := 1; v_share bigint; v_rest bigint := p_after - p_before; v_upper bigint := 0;
BEGIN
  SELECT o.quantity, o.total, o.payable, o.collected_by <> 1 AS own, oc.cost, oc.parties, oc.margins INTO STRICT v
    FROM orders o JOIN order_cost oc ON oc.station_id = o.station_id AND oc.order_id = o.id WHERE o.station_id = p_station AND o.id = p_order;
  n := cardinality(v.parties);
  w := v.cost * v.quantity || ARRAY(SELECT m * v.quantity FROM unnest(v.margins) WITH ORDINALITY AS u(m, o) ORDER BY o) || (v.payable - v.total);
  FOR i IN 2 .. n + 2 LOOP IF w[i] > w[big] THEN big := i; END IF; END LOOP;
  a := array_fill(0::bigint, ARRAY[n + 2]);
  FOR i IN 1 .. n + 2 LOOP
    IF i <> big THEN
      a[i] := _returned_share(w[i], p_after, v.payable) - _returned_share(w[i], p_before, v.payable);
      v_rest := v_rest - a[i];
    END IF;
  END LOOP;
  a[big] := v_rest;
  d := d || _account(1, 'goods_cost'); k := k || 'return.cost'::text;
  FOR i IN 1 .. n LOOP
    d := d || _return_margin(v.parties[i], p_station, p_order, v.own, a[i + 1]); k := k || 'return.margin'::text;
  END LOOP;
  d := d || CASE WHEN v.own THEN _account(p_station, 'station_gateway') ELSE _account(1, 'rounding') END; k := k || 'return.rounding'::text;
  c := array_fill(v_clearing, ARRAY[n + 2]);
  IF v.own THEN -- what the levels above give back belongs to the station's prepaid account
    FOR i IN 1 .. n + 1 LOOP
      IF i = 1 OR v.parties[i - 1] <> p_station THEN v_upper := v_upper + a[i]; END IF;
    END LOOP;
    d := d || _account(p_station, 'station_gateway'); c := c || _account(p_station, 'prepaid'); a := a || v_upper; k := k || 'return.prepaid'::text;
  END IF;
  PERFORM _post('refund:' || p_station || ':' || p_refund || ':return', p_station, p_order, p_attempt, p_refund, d, c, a, k);
END $f$;

-- Give back p_amount of a delivered order, to where it was paid from. The same key again is the same refund.
-- codes: ok, repeat, conflict (same key, other amount), not_found, bad_state, above_paid, amount_invalid.
-- grant: main
CREATE OR REPLACE FUNCTION refund_order(p_station bigint, p_order_no text, p_amount bigint, p_note text, p_actor text, p_key text)
RETURNS TABLE (code text, refund_no text, refundable bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE o record; v_old record; v_attempt record; v_refund bigint;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.id, x.state, x.payable, x.refunded INTO o FROM orders x WHERE x.station_id = p_station AND x.order_no = p_order_no FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found', NULL::text, NULL::bigint; RETURN; END IF;
  refundable := o.payable - o.refunded;
  SELECT r.refund_no, r.amount INTO v_old FROM refund r WHERE r.station_id = p_station AND r.order_id = o.id AND r.request_key = p_key;
  IF FOUND THEN RETURN QUERY SELECT CASE WHEN v_old.amount = p_amount THEN 'repeat' ELSE 'conflict' END, v_old.refund_no, refundable; RETURN; END IF;
  IF o.state NOT IN ('delivered', 'completed') THEN RETURN QUERY SELECT 'bad_state', NULL::text, refundable; RETURN; END IF;
  IF p_amount IS NULL OR p_amount <= 0 OR p_amount % 100 <> 0 OR coalesce(p_key, '') = '' THEN RETURN QUERY SELECT 'amount_invalid', NULL::text, refundable; RETURN; END IF;
  IF p_amount > refundable THEN RETURN QUERY SELECT 'above_paid', NULL::text, refundable; RETURN; END IF;
  SELECT t.id, t.provider_ref INTO STRICT v_attempt FROM payment_attempt t WHERE t.station_id = p_station AND t.order_id = o.id AND t.state = 'succeeded'
     AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.station_id = p_station AND r.attempt_id = t.id AND r.reason = 'paid_twice' AND r.provider_ref = t.provider_ref);
  UPDATE orders x SET refunded = x.refunded + p_amount WHERE x.station_id = p_station AND x.id = o.id;
  v_refund := _refund_attempt(p_station, v_attempt.id, v_attempt.provider_ref, p_amount, 'staff', p_key, p_actor, p_note);
  PERFORM _post_return(p_station, o.id, v_attempt.id, v_refund, o.refunded, o.refunded + p_amount);
  IF p_amount = refundable THEN
    PERFORM _move_order(p_station, o.id, o.state, 'refunding', p_actor, p_note, interval '24 hours');
    PERFORM _publish('order.refunding', p_station, jsonb_build_object('order_id', o.id, 'reason', 'staff'));
    PERFORM _close_refunded(p_station, o.id);
  ELSE
    INSERT INTO order_event(station_id, order_id, from_state, to_state, actor, reason, detail)
      VALUES (p_station, o.id, o.state, o.state, p_actor, 'part refund', jsonb_build_object('amount', p_amount, 'note', p_note));
  END IF;
  RETURN QUERY SELECT 'ok', (SELECT r.refund_no FROM refund r WHERE r.station_id = p_station AND r.id = v_refund), refundable - p_amount;
END $f$;
