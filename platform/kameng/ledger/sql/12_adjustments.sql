-- Money moved by people's decision: one asks, another one agrees, then it is posted. Never past the floor of an account.

-- Ask for it. p_key: pressed twice is once. Pairs of accounts that make sense only.
-- codes: ok, repeat, conflict, pair_invalid, amount_invalid, member_unknown, reason_missing.
-- grant: main
CREATE OR REPLACE FUNCTION request_adjustment(p_station bigint, p_debit_kind text, p_debit_ref text, p_credit_kind text, p_credit_ref text, p_amount bigint,
  p_reason text, p_actor text, p_key text) RETURNS TABLE (code text, id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_id bigint;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.* INTO v FROM adjustment x WHERE x.station_id = p_station AND x.request_key = p_key;
  IF FOUND THEN
    RETURN QUERY SELECT CASE WHEN (v.debit_kind, v.debit_ref, v.credit_kind, v.credit_ref, v.amount) = (p_debit_kind, p_debit_ref, p_credit_kind, p_credit_ref, p_amount)
      THEN 'repeat' ELSE 'conflict' END, v.id; RETURN;
  END IF;
  IF (p_debit_kind, p_credit_kind) NOT IN (('adjustment', 'wallet'), ('wallet', 'adjustment'), ('adjustment', 'prepaid'), ('prepaid', 'adjustment'),
      ('adjustment', 'available'), ('available', 'adjustment'), ('available', 'deposit'), ('available', 'prepaid'), ('deposit', 'available'), ('deposit', 'prepaid'), ('deposit', 'revenue')) THEN
    RETURN QUERY SELECT 'pair_invalid', NULL::bigint; RETURN;
  END IF;
  IF p_amount IS NULL OR p_amount <= 0 OR p_amount > 10000000000000 THEN RETURN QUERY SELECT 'amount_invalid', NULL::bigint; RETURN; END IF;
  IF length(trim(coalesce(p_reason, ''))) < 2 THEN RETURN QUERY SELECT 'reason_missing', NULL::bigint; RETURN; END IF;
  IF 'wallet' IN (p_debit_kind, p_credit_kind) AND NOT EXISTS (SELECT 1 FROM member m WHERE m.station_id = p_station
      AND m.id::text = CASE p_debit_kind WHEN 'wallet' THEN p_debit_ref ELSE p_credit_ref END) THEN
    RETURN QUERY SELECT 'member_unknown', NULL::bigint; RETURN;
  END IF;
  INSERT INTO adjustment AS x (station_id, debit_kind, debit_ref, credit_kind, credit_ref, amount, reason, requested_by, request_key)
    VALUES (p_station, p_debit_kind, p_debit_ref, p_credit_kind, p_credit_ref, p_amount, trim(p_reason), p_actor, p_key)
    ON CONFLICT (station_id, request_key) DO NOTHING RETURNING x.id INTO v_id;
  IF v_id IS NULL THEN RETURN QUERY SELECT 'repeat', x.id FROM adjustment x WHERE x.station_id = p_station AND x.request_key = p_key; RETURN; END IF;
  PERFORM _request_approval(p_station, 'adjustment', v_id::text, p_debit_kind || ' > ' || p_credit_kind,
    jsonb_build_object('debit', p_debit_kind, 'debit_ref', p_debit_ref, 'credit', p_credit_kind, 'credit_ref', p_credit_ref), p_amount, 1, p_actor, trim(p_reason));
  RETURN QUERY SELECT 'ok', v_id;
END $f$;

-- Carry an approved one out. Raises KM403 when it is not approved, KM003 when the account has too little: then it still waits.
-- codes: ok, repeat, refused, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION post_adjustment(p_station bigint, p_id bigint) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v record; v_from bigint; v_has bigint;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT * INTO v FROM adjustment x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF v.state <> 'waiting' THEN RETURN QUERY SELECT CASE v.state WHEN 'done' THEN 'repeat' ELSE 'refused' END; RETURN; END IF;
  PERFORM _require_approved(p_station, 'adjustment', p_id::text);
  v_from := _account(CASE WHEN v.debit_kind IN ('adjustment', 'revenue') THEN 1 ELSE p_station END, v.debit_kind, v.debit_ref);
  IF v.debit_kind = 'available' AND v.credit_kind <> 'adjustment' THEN -- its floor lets a debt through, a person may not make one
    SELECT b.balance INTO STRICT v_has FROM account_balance b WHERE b.account_id = v_from FOR NO KEY UPDATE;
    IF v_has < v.amount THEN RAISE EXCEPTION 'insufficient_funds' USING ERRCODE = 'KM003'; END IF;
  END IF;
  PERFORM _post('adjustment:' || p_station || ':' || p_id, p_station, NULL, NULL, NULL,
    ARRAY[v_from],
    ARRAY[_account(CASE WHEN v.credit_kind IN ('adjustment', 'revenue') THEN 1 ELSE p_station END, v.credit_kind, v.credit_ref)], ARRAY[v.amount], ARRAY['adjust.' || v.debit_kind]);
  UPDATE adjustment x SET state = 'done', done_at = now() WHERE x.station_id = p_station AND x.id = p_id;
  RETURN QUERY SELECT 'ok';
END $f$;

-- A refused or expired one is over. codes: ok, repeat, bad_state, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION refuse_adjustment(p_station bigint, p_id bigint) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_state text;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.state INTO v_state FROM adjustment x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF v_state IS NULL OR v_state <> 'waiting' THEN
    RETURN QUERY SELECT CASE v_state WHEN 'refused' THEN 'repeat' WHEN 'done' THEN 'bad_state' ELSE 'not_found' END; RETURN;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM approval a WHERE a.station_id = p_station AND a.kind = 'adjustment' AND a.subject = p_id::text AND a.state IN ('refused', 'expired')) THEN
    RETURN QUERY SELECT 'bad_state'; RETURN;
  END IF;
  UPDATE adjustment x SET state = 'refused', done_at = now() WHERE x.station_id = p_station AND x.id = p_id;
  RETURN QUERY SELECT 'ok';
END $f$;
