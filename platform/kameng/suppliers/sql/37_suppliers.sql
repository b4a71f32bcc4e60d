-- Money with suppliers, moved by people's decision: a payment waits for a second person's word, a dispute for both sides' agreement.

-- Ask for a payment to be booked. p_amount below zero: it came back to us. The same key again is the same payment.
-- codes: ok, repeat, conflict, supplier_unknown (or our own people), amount_invalid.
-- grant: main
CREATE OR REPLACE FUNCTION request_supplier_payment(p_supplier bigint, p_amount bigint, p_paid_on date, p_method text, p_reference text, p_note text, p_actor text, p_key text)
RETURNS TABLE (code text, payment_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_name text;
BEGIN
  SELECT s.name INTO v_name FROM supplier s WHERE s.id = p_supplier AND NOT s.internal;
  IF v_name IS NULL THEN RETURN QUERY SELECT 'supplier_unknown', NULL::bigint; RETURN; END IF;
  IF coalesce(p_amount, 0) = 0 OR p_amount % 100 <> 0 THEN RETURN QUERY SELECT 'amount_invalid', NULL::bigint; RETURN; END IF;
  SELECT * INTO v FROM propose_supplier_payment(p_supplier, p_amount, p_paid_on, p_method, p_reference, p_note, p_actor, p_key);
  IF v.code = 'ok' THEN
    PERFORM _request_approval(1, 'supplier_payment', v.payment_id::text, v_name, jsonb_build_object('supplier', v_name, 'paid_on', p_paid_on,
      'method', p_method, 'reference', p_reference), p_amount, 1, p_actor, CASE WHEN trim(p_note) = '' THEN p_reference ELSE trim(p_note) END);
  END IF;
  RETURN QUERY SELECT v.code, v.payment_id;
END $f$;

-- The answer to it. Raises KM403 when it is not approved. codes: ok, repeat, refused, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION settle_supplier_payment(p_id bigint, p_agreed boolean) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_supplier bigint;
BEGIN
  SELECT x.supplier_id INTO v_supplier FROM supplier_payment x WHERE x.id = p_id;
  IF v_supplier IS NULL THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF p_agreed THEN PERFORM _require_approved(1, 'supplier_payment', p_id::text); END IF;
  RETURN QUERY SELECT b.code FROM book_supplier_payment(v_supplier, p_id, p_agreed) b;
END $f$;

-- Both sides have agreed how a dispute ends: p_amount comes back from the supplier. What it has given back of this purchase before
-- stays; never more than the purchase has cost. codes: ok, repeat, over (refused or closed), too_much, no_purchase, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION agree_dispute(p_supplier bigint, p_id bigint, p_amount bigint, p_actor text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE d record; p record;
BEGIN
  SELECT x.station_id, x.purchase_id INTO d FROM supply_dispute x WHERE x.supplier_id = p_supplier AND x.id = p_id;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF d.purchase_id IS NOT NULL THEN -- the order before its purchase, and both before the dispute
    PERFORM 1 FROM orders o JOIN purchase x ON x.station_id = o.station_id AND x.order_id = o.id WHERE x.station_id = d.station_id AND x.id = d.purchase_id FOR NO KEY UPDATE OF o;
    SELECT x.state, x.cost, x.refunded, x.supplier_id INTO STRICT p FROM purchase x WHERE x.station_id = d.station_id AND x.id = d.purchase_id FOR NO KEY UPDATE;
  END IF;
  SELECT x.* INTO STRICT d FROM supply_dispute x WHERE x.supplier_id = p_supplier AND x.id = p_id FOR NO KEY UPDATE;
  IF d.state = 'agreed' THEN RETURN QUERY SELECT CASE WHEN d.agreed = p_amount THEN 'repeat' ELSE 'over' END; RETURN; END IF;
  IF d.state NOT IN ('open', 'answered') THEN RETURN QUERY SELECT 'over'; RETURN; END IF;
  IF p_amount > 0 THEN
    IF d.purchase_id IS NULL THEN RETURN QUERY SELECT 'no_purchase'; RETURN; END IF;
    IF p.supplier_id <> p_supplier OR p.state <> 'succeeded' OR p_amount > p.cost - p.refunded THEN RETURN QUERY SELECT 'too_much'; RETURN; END IF;
    PERFORM _take_back_cost(d.station_id, d.purchase_id, p.refunded + p_amount);
  END IF;
  UPDATE supply_dispute x SET state = 'agreed', agreed = p_amount, closed_at = now() WHERE x.supplier_id = p_supplier AND x.id = p_id;
  INSERT INTO supply_dispute_message(supplier_id, dispute_id, actor, body) VALUES (p_supplier, p_id, p_actor, 'agreed:' || p_amount);
  RETURN QUERY SELECT 'ok';
END $f$;

-- Postings on a supplier's account from one moment up to another, oldest first; above zero we owe more. A supplier sees its own alone.
-- grant: main, supplier
CREATE OR REPLACE FUNCTION supplier_lines(p_supplier bigint, p_from timestamptz, p_until timestamptz, p_skip int, p_limit int)
RETURNS TABLE (at timestamptz, kind text, purchase_no text, title text, amount bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  IF p_supplier IS DISTINCT FROM nullif(current_setting('app.supplier_id', true), '')::bigint AND NOT pg_has_role(session_user, 'kameng_main', 'MEMBER') THEN
    RAISE EXCEPTION 'supplier % is not the one of this transaction', p_supplier USING ERRCODE = 'KM403';
  END IF;
  RETURN QUERY SELECT t.at, t.kind, coalesce(p.purchase_no, ''), coalesce(p.title, ''), CASE WHEN t.credit_account = a.id THEN t.amount ELSE -t.amount END
      FROM account a JOIN transfer t ON a.id IN (t.debit_account, t.credit_account)
      LEFT JOIN purchase p ON p.station_id = t.station_id AND p.id = t.purchase_id
     WHERE a.station_id = 1 AND a.kind = 'supplier' AND a.ref = p_supplier::text AND t.at >= p_from AND t.at < p_until
     ORDER BY t.at, t.id OFFSET p_skip LIMIT p_limit;
END $f$;
