-- Stations that collect on accounts of their own: what the levels above are due comes from the station's prepaid account
-- before goods leave. station_gateway is what the station holds in its own account of the shoppers' money; it comes to
-- zero when an order is delivered or given back.

-- The account whose money an attempt moved: ours at the gateway, or what the station holds itself.
-- grant: nobody
CREATE OR REPLACE FUNCTION _cash_account(p_station bigint, p_attempt bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT CASE WHEN a.account_station_id = 1 THEN _account(1, 'gateway_clearing', a.plugin_id || CASE a.account WHEN '' THEN '' ELSE ':' || a.account END)
              ELSE _account(p_station, 'station_gateway') END
    FROM payment_attempt a WHERE a.station_id = p_station AND a.id = p_attempt
$f$;

-- What the levels above the seller are due for an order: cost and their margins.
-- grant: nobody
CREATE OR REPLACE FUNCTION _wholesale(p_station bigint, p_order bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT (o.quantity * (oc.cost + (SELECT coalesce(sum(u.margin), 0) FROM unnest(oc.parties, oc.margins) AS u(party, margin) WHERE u.party <> p_station)))::bigint
    FROM orders o JOIN order_cost oc ON oc.station_id = o.station_id AND oc.order_id = o.id WHERE o.station_id = p_station AND o.id = p_order
$f$;

-- Pay what is due from the station's prepaid account. True when it is paid, now or before, or nothing needs to be.
-- grant: nobody
CREATE OR REPLACE FUNCTION _fund_order(p_station bigint, p_order bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE o record;
BEGIN
  SELECT x.collected_by, x.funded, x.fundings INTO STRICT o FROM orders x WHERE x.station_id = p_station AND x.id = p_order;
  IF o.collected_by = 1 OR o.funded THEN RETURN true; END IF;
  BEGIN
    PERFORM _post('order:' || p_station || ':' || p_order || ':fund:' || o.fundings, p_station, p_order, NULL, NULL,
      ARRAY[_account(p_station, 'prepaid')], ARRAY[_account(p_station, 'station_gateway')], ARRAY[_wholesale(p_station, p_order)], ARRAY['fund.order']);
  EXCEPTION WHEN SQLSTATE 'KM003' THEN RETURN false;
  END;
  UPDATE orders x SET funded = true WHERE x.station_id = p_station AND x.id = p_order;
  RETURN true;
END $f$;

-- The way back, for an order that is not delivered after all.
-- grant: nobody
CREATE OR REPLACE FUNCTION _unfund_order(p_station bigint, p_order bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE o record;
BEGIN
  SELECT x.collected_by, x.funded, x.fundings INTO STRICT o FROM orders x WHERE x.station_id = p_station AND x.id = p_order;
  IF o.collected_by = 1 OR NOT o.funded THEN RETURN; END IF;
  PERFORM _post('order:' || p_station || ':' || p_order || ':unfund:' || o.fundings, p_station, p_order, NULL, NULL,
    ARRAY[_account(p_station, 'station_gateway')], ARRAY[_account(p_station, 'prepaid')], ARRAY[_wholesale(p_station, p_order)], ARRAY['fund.return']);
  UPDATE orders x SET funded = false, fundings = x.fundings + 1 WHERE x.station_id = p_station AND x.id = p_order;
END $f$;

-- Paid orders whose station had too little money: go on where it has enough now, give the money back where the time is over.
-- grant: main
CREATE OR REPLACE FUNCTION fund_waiting_orders(p_limit int) RETURNS TABLE (funded int, refunded int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_attempt bigint;
BEGIN
  funded := 0; refunded := 0;
  IF _recovering() THEN RETURN NEXT; RETURN; END IF;
  FOR v IN SELECT o.station_id, o.id, o.deadline_at < now() AS over FROM orders o
     WHERE o.state = 'paid' AND o.collected_by <> 1 AND NOT o.funded ORDER BY o.deadline_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED LOOP
    SELECT a.id INTO v_attempt FROM payment_attempt a WHERE a.station_id = v.station_id AND a.order_id = v.id AND a.state = 'succeeded' ORDER BY a.paid_at LIMIT 1;
    BEGIN
      IF _fulfil_paid(v.station_id, v.id, v_attempt, NULL, true, false) <> 'awaiting_funds' THEN
        funded := funded + 1;
      ELSIF v.over THEN
        PERFORM _release_cards(v.station_id, v.id);
        PERFORM _refund_order(v.station_id, v.id, 'paid', 'station_funds', 'system', 'the station has not paid in time');
        refunded := refunded + 1;
      END IF;
    EXCEPTION WHEN SQLSTATE 'KM005' THEN NULL; -- cards are locked at this moment: the next round
    END;
  END LOOP;
  RETURN NEXT;
END $f$;

-- The bonus that a top-up earns: the rule that gives most, paid by the station that made it. A station pays from its
-- prepaid account; with too little there the member gets none, which is noted.
-- grant: nobody
CREATE OR REPLACE FUNCTION _grant_bonus(p_station bigint, p_attempt bigint, p_member bigint, p_amount bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_state text := 'granted';
BEGIN
  SELECT r.id, least(CASE r.kind WHEN 'fixed' THEN r.value ELSE div(p_amount::numeric * r.value, 10000)::bigint END, r.cap) / 100 * 100 AS amount INTO v
    FROM bonus_rule r WHERE r.station_id = p_station AND r.active AND p_amount >= r.minimum
     AND (r.starts_at IS NULL OR r.starts_at <= now()) AND (r.ends_at IS NULL OR r.ends_at > now())
     AND (NOT r.first_only OR NOT EXISTS (SELECT 1 FROM payment_attempt a WHERE a.station_id = p_station AND a.member_id = p_member
           AND a.purpose = 'top_up' AND a.state = 'succeeded' AND a.id <> p_attempt))
   ORDER BY 2 DESC, r.id LIMIT 1;
  IF NOT FOUND OR v.amount <= 0 THEN RETURN; END IF;
  BEGIN
    PERFORM _post('attempt:' || p_station || ':' || p_attempt || ':bonus', p_station, NULL, p_attempt, NULL,
      ARRAY[CASE WHEN p_station = 1 THEN _account(1, 'bonus') ELSE _account(p_station, 'prepaid') END],
      ARRAY[_account(p_station, 'wallet', p_member::text)], ARRAY[v.amount], ARRAY['wallet.bonus']);
  EXCEPTION WHEN SQLSTATE 'KM003' THEN
    v_state := 'no_funds';
    INSERT INTO alert(station_id, kind, subject, title, detail) VALUES (p_station, 'bonus_funds', 'bonus', 'no money for top-up bonuses',
      jsonb_build_object('rule_id', v.id, 'amount', v.amount)) ON CONFLICT DO NOTHING;
  END;
  INSERT INTO bonus_grant(station_id, attempt_id, rule_id, member_id, amount, state) VALUES (p_station, p_attempt, v.id, p_member, v.amount, v_state);
END $f$;
