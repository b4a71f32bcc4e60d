-- The usual payment in one go: from a gateway's word to the delivered card, with as few rows written as the books and the history need.

-- Apply money that has arrived for an order as apply_payment does, where nothing is unusual about it: an unpaid attempt at an account of the main
-- station, in the right amount, for an order that waits for it, was let through by the rules and holds all its cards; margins of one or two levels.
-- Then the attempt is paid, the order goes from waiting to delivered (both steps are in its history) and true is answered. False: nothing has
-- happened, and apply_payment has to say what it is. The attempt is locked before the order, as there. Raises 40001 (ask again) when the order has
-- changed in this very moment.
-- grant: nobody
CREATE OR REPLACE FUNCTION _deliver_at_once(p_attempt_no text, p_plugin text, p_amount bigint, p_currency text, p_provider_ref text, p_source text,
  p_holder bigint, p_account text, OUT done boolean, OUT station_id bigint, OUT order_id bigint, OUT order_no text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
#variable_conflict use_column
DECLARE v record; v_cards int; v_done boolean; v_waiting text := 'pending_payment'; -- as a word in the questions it would tempt the planner to walk through all that wait
BEGIN
  done := false;
  IF p_holder <> 1 OR p_amount IS NULL THEN RETURN; END IF;
  -- A number belongs to one attempt; should two stations have one of that name, it is the first one's, as for apply_payment.
  UPDATE payment_attempt a SET state = 'succeeded', provider_ref = p_provider_ref, paid_at = now(), closed_at = now(), next_query_at = NULL
    FROM orders o, order_cost oc, till t, account g
   WHERE a.attempt_no = p_attempt_no AND a.station_id = (SELECT b.station_id FROM payment_attempt b WHERE b.attempt_no = p_attempt_no AND b.plugin_id = p_plugin
                                                            AND b.account_station_id = 1 AND b.account = p_account ORDER BY b.station_id LIMIT 1)
     AND a.plugin_id = p_plugin AND a.account_station_id = 1 AND a.account = p_account
     AND a.state <> 'succeeded' AND a.purpose = 'order' AND a.currency = p_currency AND a.amount = p_amount
     AND o.station_id = a.station_id AND o.id = a.order_id AND o.state = v_waiting AND o.risk = 'allow' AND o.source = 'pool'
     AND oc.station_id = a.station_id AND oc.order_id = a.order_id AND t.station_id = a.station_id
     AND oc.cost >= 0 AND 0 <= ALL (oc.margins) AND oc.parties = CASE WHEN a.station_id = 1 THEN ARRAY[a.station_id] ELSE ARRAY[1, a.station_id] END
     AND g.station_id = 1 AND g.kind = 'gateway_clearing' AND g.ref = p_plugin || CASE p_account WHEN '' THEN '' ELSE ':' || p_account END AND g.currency = 'CNY'
     AND o.quantity = (SELECT count(*) FROM card x WHERE x.station_id = a.station_id AND x.order_id = a.order_id AND x.status = 1)
     AND NOT EXISTS (SELECT FROM payment_attempt b WHERE b.station_id = a.station_id AND b.plugin_id = p_plugin AND b.provider_ref = p_provider_ref
                        AND b.provider_ref <> '' AND b.state = 'succeeded')
     AND NOT EXISTS (SELECT FROM recovery r WHERE r.state = 'active')
   RETURNING a.station_id AS station, a.id, a.method, a.fee, o.id AS order_id, o.order_no, o.quantity, o.payable, oc.cost, oc.parties, oc.margins, g.id AS cash, t.clearing, t.goods, t.revenue, t.earned INTO v;
  IF NOT FOUND THEN RETURN; END IF;
  UPDATE orders o SET state = 'delivered', paid_method = v.method, collected_by = 1, paid_at = now(), delivered_at = now(), deadline_at = NULL, updated_at = now()
   WHERE o.station_id = v.station AND o.id = v.order_id AND o.state = v_waiting;
  IF NOT FOUND THEN RAISE EXCEPTION 'the order has just changed' USING ERRCODE = '40001'; END IF;
  UPDATE card x SET status = 2, sold_at = now(), held_until = NULL WHERE x.station_id = v.station AND x.order_id = v.order_id AND x.status = 1;
  GET DIAGNOSTICS v_cards = ROW_COUNT;
  IF v_cards <> v.quantity THEN RAISE EXCEPTION 'its cards have just changed' USING ERRCODE = '40001'; END IF;
  INSERT INTO order_event(station_id, order_id, from_state, to_state, actor, reason)
    VALUES (v.station, v.order_id, 'pending_payment', 'paid', p_plugin, p_source), (v.station, v.order_id, 'paid', 'delivered', 'system', 'cards claimed');
  INSERT INTO outbox(station_id, topic, payload) VALUES (v.station, 'order.delivered', jsonb_build_object('order_id', v.order_id, 'order_no', v.order_no));
  v_done := v.station = 1 OR _open_settlements(v.station, v.order_id, v.quantity, false, v.parties, v.margins);
  v_done := _post_gateway_sale(v.station, v.order_id, v.id, p_provider_ref, v.cash, v.clearing, v.goods, v.revenue, v.earned, p_amount, v.fee, v.payable, v.cost * v.quantity,
    v.margins[1] * v.quantity, CASE WHEN v.station = 1 THEN 0 ELSE v.margins[2] * v.quantity END);
  done := true; station_id := v.station; order_id := v.order_id; order_no := v.order_no;
END $f$;

-- A callback as it came. A copy only counts up, and a repeat does not hide what the first one did.
-- grant: nobody
CREATE OR REPLACE FUNCTION _keep_notice(p_station bigint, p_plugin text, p_digest bytea, p_method text, p_query text, p_headers jsonb, p_body bytea, p_ip text,
  p_result text, p_attempt_no text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  INSERT INTO payment_notice AS n (station_id, plugin_id, digest, method, query, headers, body, ip, result, attempt_no)
    VALUES (p_station, p_plugin, p_digest, p_method, p_query, p_headers, p_body, p_ip, p_result, coalesce(p_attempt_no, ''))
    ON CONFLICT (station_id, plugin_id, digest) DO UPDATE SET times = n.times + 1, last_at = now(), result = CASE WHEN EXCLUDED.result = 'repeat' THEN n.result ELSE EXCLUDED.result END;
  RETURN true;
END $f$;
