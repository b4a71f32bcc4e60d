-- Buying by balance over the API: one statement from the price to the card (design §8).

-- Buy p_quantity of a SKU for the member behind the key. The statement is the whole transaction: who wins a card, whether the
-- money suffices and whether the number was used before are decided here together. Refusals leave nothing behind and burn no number.
-- codes: ok, repeat (same number and content: what came of it the first time), conflict, key_unknown, member_locked, station_closed, sku_unknown,
-- not_on_sale, quantity_invalid, max_total_exceeded (payable = what it costs now); raises KM001 (out of stock), KM003 (balance), KM005 (cards are locked: ask again).
-- state: delivered (cards from the pool, which are in the answer), paid (a supplier or a person is asked next), held (risk review).
-- grant: app
CREATE OR REPLACE FUNCTION buy_with_balance(p_station bigint, p_key bigint, p_number text, p_hash bytea, p_sku text, p_quantity int, p_max_total bigint, p_inputs jsonb,
  p_ip text, p_order_no text, p_attempt_no text, p_secret_hash bytea, p_risk text, p_risk_reasons jsonb, p_risk_facts jsonb, p_notify_url text)
RETURNS TABLE (code text, order_id bigint, order_no text, state text, payable bigint, sku_id bigint, product_name text, sku_name text, kind text, unit_price bigint, at timestamptz, ciphers bytea[], digests bytea[], key_ids bigint[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
#variable_conflict use_column
DECLARE v record; v_key text; v_attempt bigint; v_source text; v_total bigint; v_wallet bigint; v_clearing bigint; v_margins bigint[]; v_status smallint; v_got int;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT y.member_id, y.key_id, y.state AS key_state, m.state AS member_state, m.login, st.state AS station_state, l.price, l.version, l.explain, l.active,
         s.id, s.state AS sku_state, s.name AS sku_name, s.min_quantity, s.max_quantity, s.sourcing, p.state AS product_state, p.name AS product_name, p.kind,
         pc.cost, pc.parties, pc.margins, pc.explain AS full_explain, u.sku_id IS NOT NULL AS supplied, u.available, w.id AS wallet, o.id AS clearing, g.id AS goods, r.id AS revenue, e.id AS earned
    INTO v FROM station st JOIN api_key y ON y.station_id = st.id AND y.id = p_key JOIN member m ON m.station_id = st.id AND m.id = y.member_id
    LEFT JOIN sku s ON s.code = p_sku LEFT JOIN product p ON p.id = s.product_id LEFT JOIN listing l ON l.station_id = st.id AND l.sku_id = s.id
    LEFT JOIN price_chain pc ON pc.station_id = st.id AND pc.sku_id = s.id LEFT JOIN supply_level u ON u.sku_id = s.id
    LEFT JOIN account w ON w.station_id = st.id AND w.kind = 'wallet' AND w.ref = y.member_id::text AND w.currency = 'CNY'
    LEFT JOIN account o ON o.station_id = st.id AND o.kind = 'order_clearing' AND o.ref = '' AND o.currency = 'CNY'
    LEFT JOIN account g ON g.station_id = 1 AND g.kind = 'goods_cost' AND g.ref = '' AND g.currency = 'CNY'
    LEFT JOIN account r ON r.station_id = 1 AND r.kind = 'revenue' AND r.ref = '' AND r.currency = 'CNY'
    LEFT JOIN account e ON e.station_id = st.id AND e.kind = 'margin_pending' AND e.ref = '' AND e.currency = 'CNY' WHERE st.id = p_station;
  IF NOT FOUND THEN code := 'key_unknown'; RETURN NEXT; RETURN; END IF;
  v_key := 'api:' || v.member_id || ':' || p_number;
  v_total := v.price * p_quantity;
  payable := (v_total + 50) / 100 * 100; -- whole fen, half up; the difference is posted
  code := CASE WHEN v.key_state <> 'active' THEN 'key_unknown' WHEN v.member_state <> 'active' THEN 'member_locked'
    WHEN v.station_state NOT IN ('trial', 'active', 'restricted') OR EXISTS (SELECT 1 FROM recovery WHERE state = 'active') THEN 'station_closed' WHEN v.price IS NULL OR v.cost IS NULL THEN 'sku_unknown'
    WHEN NOT v.active OR v.sku_state <> 'on_sale' OR v.product_state <> 'on_sale' THEN 'not_on_sale'
    WHEN p_quantity < v.min_quantity OR p_quantity > v.max_quantity THEN 'quantity_invalid' WHEN payable > p_max_total THEN 'max_total_exceeded' END;
  IF code IN ('key_unknown', 'member_locked') THEN RETURN NEXT; RETURN; END IF;
  IF code IS NULL THEN
    sku_id := v.id;
    -- Cards come from the pool while it has them, as for shoppers; a held order keeps its cards until a person has decided.
    v_source := CASE WHEN v.kind <> 'card' OR v.sourcing = 'supplier' OR v.sourcing = 'pool_first' AND _free_cards(v.id, p_quantity) < p_quantity THEN 'supplier' ELSE 'pool' END;
    state := CASE WHEN p_risk <> 'allow' THEN 'held' WHEN v_source = 'pool' THEN 'delivered' ELSE 'paid' END;
    INSERT INTO orders AS o (station_id, order_no, channel, idempotency_key, request_hash, member_id, shopper_key, contact, secret_hash, ip, sku_id, kind, source,
        product_name, sku_name, quantity, unit_price, total, payable, inputs, price_explain, price_version, risk, risk_reasons, state, paid_method, expires_at, paid_at, delivered_at, deadline_at)
      VALUES (p_station, p_order_no, 'api', v_key, p_hash, v.member_id, 'm:' || p_station || ':' || v.member_id, v.login, p_secret_hash, p_ip, v.id, v.kind, v_source,
        v.product_name, v.sku_name, p_quantity, v.price, v_total, payable, p_inputs, v.explain, v.version, p_risk, p_risk_reasons, state, 'balance', now(), now(),
        CASE WHEN state = 'delivered' THEN now() END, CASE state WHEN 'held' THEN now() + interval '60 minutes' WHEN 'paid' THEN now() + interval '2 minutes' END)
      ON CONFLICT (station_id, idempotency_key) DO NOTHING RETURNING o.id, o.order_no INTO order_id, order_no;
  END IF;
  IF order_id IS NULL THEN -- refused, unless the number was used before: then by the content of that time
    SELECT CASE WHEN o.request_hash = p_hash THEN 'repeat' ELSE 'conflict' END, o.id, o.order_no, o.state, o.payable, o.sku_id INTO v
      FROM orders o WHERE o.station_id = p_station AND o.idempotency_key = v_key;
    IF FOUND THEN code := v."case"; order_id := v.id; order_no := v.order_no; state := v.state; payable := v.payable; sku_id := v.sku_id; END IF;
    RETURN NEXT; RETURN;
  END IF;
  code := 'ok'; product_name := v.product_name; sku_name := v.sku_name; kind := v.kind; unit_price := v.price; at := now();
  IF v_source = 'supplier' AND (v.kind = 'card' AND NOT v.supplied OR v.available < p_quantity) THEN RAISE EXCEPTION 'out_of_stock' USING ERRCODE = 'KM001'; END IF;
  IF v_source = 'pool' THEN
    v_status := CASE WHEN state = 'held' THEN 1 ELSE 2 END;
    IF p_quantity = 1 THEN -- LIMIT with a parameter would be planned dearly
      UPDATE card x SET status = v_status, station_id = p_station, order_id = buy_with_balance.order_id, sold_at = CASE v_status WHEN 2 THEN now() END
       WHERE x.id = (SELECT q.id FROM card q WHERE q.sku_id = v.id AND q.status = 0 AND (q.expires_on IS NULL OR q.expires_on > current_date) ORDER BY q.id LIMIT 1 FOR UPDATE SKIP LOCKED)
       RETURNING ARRAY[x.cipher], ARRAY[x.digest], ARRAY[x.key_id] INTO ciphers, digests, key_ids;
      v_got := CASE WHEN FOUND THEN 1 ELSE 0 END;
    ELSE
      PERFORM _take_cards(p_station, order_id, v.id, p_quantity, v_status, NULL);
      SELECT array_agg(x.cipher ORDER BY x.id), array_agg(x.digest ORDER BY x.id), array_agg(x.key_id ORDER BY x.id) INTO ciphers, digests, key_ids
        FROM card x WHERE x.station_id = p_station AND x.order_id = buy_with_balance.order_id;
      v_got := p_quantity;
    END IF;
    IF v_got < p_quantity THEN PERFORM _take_cards(p_station, order_id, v.id, p_quantity, v_status, NULL); END IF; -- says what is the matter
    IF state = 'held' THEN ciphers := NULL; digests := NULL; key_ids := NULL; END IF;
  END IF;
  INSERT INTO order_cost(station_id, order_id, cost, parties, margins, explain) VALUES (p_station, buy_with_balance.order_id, v.cost, v.parties, v.margins, v.full_explain);
  INSERT INTO payment_attempt AS t (station_id, attempt_no, purpose, order_id, member_id, plugin_id, method, amount, state, sent_at, paid_at, closed_at, expires_at)
    VALUES (p_station, p_attempt_no, 'order', buy_with_balance.order_id, v.member_id, 'payment-balance', 'balance', payable, 'succeeded', now(), now(), now(), now()) RETURNING t.id INTO v_attempt;
  INSERT INTO order_event(station_id, order_id, to_state, actor, reason) VALUES (p_station, buy_with_balance.order_id, state, 'key:' || v.key_id,
    CASE state WHEN 'delivered' THEN 'bought and paid over the API, cards in the answer' WHEN 'held' THEN 'bought and paid over the API: risk review' ELSE 'bought and paid over the API' END);
  INSERT INTO outbox(station_id, topic, payload) VALUES (p_station, 'order.' || state, jsonb_build_object('order_id', buy_with_balance.order_id, 'order_no', p_order_no));
  IF p_notify_url <> '' THEN INSERT INTO order_notify(station_id, order_id, api_key_id, url) VALUES (p_station, buy_with_balance.order_id, p_key, p_notify_url); END IF;
  INSERT INTO risk_decision(station_id, order_id, stage, decision, reasons, facts) VALUES (p_station, buy_with_balance.order_id, 'order', p_risk, p_risk_reasons, p_risk_facts);
  -- Money last: the wallet's row is what parallel requests of one member wait for. The accounts were found with the price; a new one is made.
  v_wallet := coalesce(v.wallet, _account(p_station, 'wallet', v.member_id::text));
  v_clearing := coalesce(v.clearing, _account(p_station, 'order_clearing'));
  IF state <> 'delivered' THEN
    PERFORM _post('attempt:' || p_station || ':' || v_attempt || ':collect:', p_station, order_id, v_attempt, NULL,
      ARRAY[v_wallet], ARRAY[v_clearing], ARRAY[payable], ARRAY['wallet.pay']);
  ELSE
    v_margins := CASE v.parties WHEN ARRAY[1::bigint] THEN ARRAY[v.revenue] WHEN ARRAY[1, p_station] THEN ARRAY[v.revenue, v.earned] END; -- the usual trees
    IF v_margins IS NULL OR array_position(v_margins, NULL) IS NOT NULL THEN
      v_margins := ARRAY(SELECT _margin_account(x.party, p_station, false) FROM unnest(v.parties) WITH ORDINALITY AS x(party, n) ORDER BY x.n);
    END IF;
    IF 0 <= ALL (v.margins) THEN
      PERFORM _post_wallet_sale(p_station, order_id, v_attempt, v_wallet, v_clearing, coalesce(v.goods, _account(1, 'goods_cost')), payable, v.cost, v_margins, v.margins, p_quantity,
        payable - v_total, CASE WHEN payable <> v_total THEN _account(1, 'rounding') END);
    ELSE -- somebody sells below cost: legs run the other way
      PERFORM _post_sale(p_station, order_id, v_attempt, v_wallet);
    END IF;
    IF p_station <> 1 THEN PERFORM _open_settlements(p_station, order_id, p_quantity, false, v.parties, v.margins); END IF;
  END IF;
  RETURN NEXT;
END $f$;
