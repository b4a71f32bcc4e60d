-- The way of a checkout: the order, what the rules have decided about it, and the first attempt to collect.

-- What a checkout must know of a SKU beforehand; nothing where the station does not list it. The price is for risk rules alone.
-- grant: app
CREATE OR REPLACE FUNCTION goods_of(p_station bigint, p_code text) RETURNS TABLE (sku_id bigint, sku_code text, product_id bigint, kind text, unit_price bigint, subject text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN QUERY SELECT s.id, s.code, p.id, p.kind, l.price, left(p.name || ' ' || s.name, 60) FROM sku s, product p, listing l
    WHERE s.code = p_code AND p.id = s.product_id AND l.station_id = p_station AND l.sku_id = s.id;
END $f$;

-- Place an order as place_order does and open its first attempt at an account of the main station: one statement, so the
-- row stands before the gateway is called. The decision is kept whatever place_order says, unless it raises. A repeat
-- opens nothing: attempt_id is NULL, and another click's attempt is looked for. codes, and what is raised: as place_order.
-- p_charge: the gateway's answer where it was had without asking anybody (a method that is offline), as keep_charge would keep it.
-- grant: app
CREATE OR REPLACE FUNCTION place_and_open(p_station bigint, p_channel text, p_key text, p_hash bytea, p_member bigint, p_shopper text,
  p_contact text, p_secret_hash bytea, p_ip text, p_order_no text, p_sku bigint, p_quantity int, p_expected bigint, p_inputs jsonb,
  p_risk text, p_risk_reasons jsonb, p_hold_minutes int, p_cap_shopper int, p_cap_ip int, p_cap_share int,
  p_risk_score int, p_risk_facts jsonb, p_attempt_no text, p_plugin text, p_method text, p_account text, p_fee bigint, p_device text, p_flash text DEFAULT NULL, p_charge jsonb DEFAULT NULL)
RETURNS TABLE (code text, order_id bigint, order_no text, payable bigint, expires_at timestamptz, attempt_id bigint, subject text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
#variable_conflict use_column
DECLARE v record;
BEGIN
  PERFORM _enter_station(p_station);
  v := _place(p_station, p_channel, p_key, p_hash, p_member, p_shopper, p_contact, p_secret_hash, p_ip, p_order_no, p_sku, p_quantity, p_expected, p_inputs,
    p_risk, p_risk_reasons, p_hold_minutes, p_cap_shopper, p_cap_ip, p_cap_share, p_flash);
  INSERT INTO risk_decision(station_id, stage, decision, score, reasons, facts) VALUES (p_station, 'order', p_risk, p_risk_score, p_risk_reasons, p_risk_facts);
  code := v.code; order_id := v.order_id; order_no := v.order_no; payable := v.payable; expires_at := v.expires_at;
  IF v.code = 'ok' THEN
    INSERT INTO payment_attempt AS t (station_id, attempt_no, purpose, order_id, member_id, plugin_id, method, amount, fee, expires_at, next_query_at, account, device,
        state, sent_at, provider_ref, redirect_url, qr_content, message, cashier)
      VALUES (p_station, p_attempt_no, 'order', v.order_id, p_member, p_plugin, p_method, v.payable, p_fee, v.expires_at, now() + interval '8 seconds', p_account, p_device,
        CASE WHEN p_charge IS NULL THEN 'created' ELSE 'sent' END, CASE WHEN p_charge IS NOT NULL THEN now() END, coalesce(p_charge ->> 'provider_ref', ''),
        coalesce(p_charge ->> 'redirect_url', ''), coalesce(p_charge ->> 'qr_content', ''), coalesce(p_charge ->> 'message', ''), coalesce(p_charge -> 'cashier', '{}'))
      RETURNING t.id INTO attempt_id;
    subject := v.subject;
  END IF;
  RETURN NEXT;
END $f$;
