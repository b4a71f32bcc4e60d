-- Guarded functions for money that a person moves and another person confirms.

-- A transfer by hand has been shown to the shopper: the attempt lives p_hours (at most 24 from its beginning); its unpaid order and
-- the cards held for it wait p_minutes from now (at most 120). The order at most once: opening one attempt after the other cannot
-- hold goods for ever. codes: ok, repeat (the order has been kept once already), bad_state (not unpaid, or over by now), attempt_unknown.
-- grant: app
CREATE OR REPLACE FUNCTION keep_for_transfer(p_station bigint, p_attempt_no text, p_hours int, p_minutes int) RETURNS TABLE (code text, until timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_order bigint; o record; v_until timestamptz := now() + make_interval(mins => least(p_minutes, 120));
BEGIN
  PERFORM _enter_station(p_station);
  UPDATE payment_attempt a SET expires_at = greatest(a.expires_at, a.created_at + make_interval(hours => least(p_hours, 24)))
   WHERE a.station_id = p_station AND a.attempt_no = p_attempt_no AND a.state = 'sent' AND a.cashier ? 'details' RETURNING a.order_id INTO v_order;
  IF NOT FOUND THEN RETURN QUERY SELECT 'attempt_unknown', NULL::timestamptz; RETURN; END IF;
  IF v_order IS NULL THEN RETURN QUERY SELECT 'ok', NULL::timestamptz; RETURN; END IF;
  SELECT x.state, x.expires_at, x.kept_at INTO o FROM orders x WHERE x.station_id = p_station AND x.id = v_order FOR NO KEY UPDATE;
  IF o.state <> 'pending_payment' OR o.expires_at <= now() THEN RETURN QUERY SELECT 'bad_state', o.expires_at; RETURN; END IF;
  IF o.kept_at IS NOT NULL THEN RETURN QUERY SELECT 'repeat', o.expires_at; RETURN; END IF;
  v_until := greatest(v_until, o.expires_at);
  UPDATE orders x SET kept_at = now(), expires_at = v_until, deadline_at = v_until, updated_at = now() WHERE x.station_id = p_station AND x.id = v_order;
  UPDATE card SET held_until = v_until WHERE station_id = p_station AND order_id = v_order AND status = 1;
  RETURN QUERY SELECT 'ok', v_until;
END $f$;
