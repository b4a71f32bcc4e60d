-- Guarded functions of withdrawals: from what a station has available to its bank. Floors, limits and the second person's
-- word hold here, whatever a page says. A withdrawal has one number for ever; what is unknown is asked about, not repeated.

-- Ask for a payout: the money is frozen at once, and another person (two above a limit) must agree. p_key: pressed twice is once.
-- codes: ok, repeat, conflict, amount_invalid, payee_invalid, station_restricted, below_minimum, above_available, above_daily_limit, deposit_short.
-- fact: what the code is about (minimum, what is available, what is left of today's limit, what the deposit lacks).
-- grant: app, main
CREATE OR REPLACE FUNCTION request_withdrawal(p_station bigint, p_amount bigint, p_payee_kind text, p_payee jsonb, p_actor text, p_key text)
RETURNS TABLE (code text, id bigint, fact bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE t settlement_terms; v record; v_id bigint; v_no text; v_fee bigint; v_from bigint; v_to bigint; v_available bigint; v_left bigint; v_short bigint;
BEGIN
  PERFORM _enter_station(p_station);
  t := _terms(p_station); v_from := _account(p_station, 'available'); v_to := _account(p_station, 'frozen');
  -- Whoever holds these rows is alone with the station's money: limits are counted under them. By id, as every posting does.
  PERFORM 1 FROM account_balance b WHERE b.account_id IN (v_from, v_to) ORDER BY b.account_id FOR NO KEY UPDATE;
  SELECT b.balance INTO v_available FROM account_balance b WHERE b.account_id = v_from;
  SELECT w.* INTO v FROM withdrawal w WHERE w.station_id = p_station AND w.request_key = p_key;
  IF FOUND THEN
    RETURN QUERY SELECT CASE WHEN (v.amount, v.payee_kind, v.payee) = (p_amount, p_payee_kind, p_payee) THEN 'repeat' ELSE 'conflict' END, v.id, NULL::bigint; RETURN;
  END IF;
  IF p_amount IS NULL OR p_amount <= 0 OR p_amount % 100 <> 0 OR p_amount > 10000000000000 OR coalesce(p_key, '') = '' THEN
    RETURN QUERY SELECT 'amount_invalid', NULL::bigint, NULL::bigint; RETURN;
  END IF;
  IF NOT _payee_valid(p_payee_kind, p_payee) THEN RETURN QUERY SELECT 'payee_invalid', NULL::bigint, NULL::bigint; RETURN; END IF;
  IF p_station = 1 OR (SELECT s.state FROM station s WHERE s.id = p_station) NOT IN ('trial', 'active') THEN
    RETURN QUERY SELECT 'station_restricted', NULL::bigint, NULL::bigint; RETURN;
  END IF;
  v_fee := t.withdraw_fee + div(p_amount / 100 * t.withdraw_fee_bp + 5000, 10000)::bigint * 100;
  IF p_amount < t.withdraw_minimum OR v_fee >= p_amount THEN
    RETURN QUERY SELECT 'below_minimum', NULL::bigint, greatest(t.withdraw_minimum, t.withdraw_fee + 100); RETURN;
  END IF;
  v_short := t.deposit_required - coalesce((SELECT b.balance FROM account_balance b WHERE b.account_id = _account(p_station, 'deposit')), 0);
  IF v_short > 0 THEN RETURN QUERY SELECT 'deposit_short', NULL::bigint, v_short; RETURN; END IF;
  IF p_amount > v_available THEN RETURN QUERY SELECT 'above_available', NULL::bigint, v_available; RETURN; END IF;
  v_left := t.withdraw_daily_limit - (SELECT coalesce(sum(w.amount), 0)::bigint FROM withdrawal w WHERE w.station_id = p_station AND w.state <> 'declined' AND w.created_at >= _release_moment(1) - interval '1 day');
  IF p_amount > v_left THEN RETURN QUERY SELECT 'above_daily_limit', NULL::bigint, greatest(v_left, 0); RETURN; END IF;
  INSERT INTO withdrawal AS w (station_id, withdrawal_no, amount, fee, payee_kind, payee, requested_by, request_key)
    VALUES (p_station, gen_random_uuid()::text, p_amount, v_fee, p_payee_kind, p_payee, p_actor, p_key) RETURNING w.id INTO v_id;
  -- Ids are unique among all stations, and a multiplication by a number without a factor of ten keeps them so.
  UPDATE withdrawal w SET withdrawal_no = 'W' || to_char(now() AT TIME ZONE 'Asia/Shanghai', 'YYMM') || lpad(((v_id * 982451653) % 1000000000000)::text, 12, '0')
   WHERE w.station_id = p_station AND w.id = v_id RETURNING w.withdrawal_no INTO v_no;
  PERFORM _post('withdrawal:' || p_station || ':' || v_id || ':hold', p_station, NULL, NULL, NULL,
    ARRAY[v_from], ARRAY[v_to], ARRAY[p_amount], ARRAY['withdraw.hold']);
  PERFORM _request_approval(p_station, 'withdrawal', v_id::text, v_no, jsonb_build_object('fee', v_fee, 'payee_kind', p_payee_kind, 'payee', p_payee),
    p_amount, CASE WHEN p_amount > t.two_person_above THEN 2 ELSE 1 END, p_actor, '');
  RETURN QUERY SELECT 'ok', v_id, v_fee;
END $f$;

-- An account somebody can be paid to: {account, name} and for a bank its name.
-- grant: nobody
CREATE OR REPLACE FUNCTION _payee_valid(p_kind text, p_payee jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT coalesce(p_kind IN ('alipay', 'wechat', 'bank') AND jsonb_typeof(p_payee) = 'object'
    AND length(p_payee ->> 'account') BETWEEN 3 AND 64 AND length(p_payee ->> 'name') BETWEEN 2 AND 40
    AND (p_kind <> 'bank' OR length(p_payee ->> 'bank') BETWEEN 2 AND 60), false)
$f$;

-- Enough people have agreed: it may be paid. Raises KM403 when they have not. codes: ok, repeat, bad_state, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION approve_withdrawal(p_station bigint, p_id bigint) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE w record;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.state, x.approved_at INTO w FROM withdrawal x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF w.approved_at IS NOT NULL THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  IF w.state <> 'created' THEN RETURN QUERY SELECT 'bad_state'; RETURN; END IF;
  PERFORM _require_approved(p_station, 'withdrawal', p_id::text);
  UPDATE withdrawal x SET approved_at = now() WHERE x.station_id = p_station AND x.id = p_id;
  RETURN QUERY SELECT 'ok';
END $f$;

-- It will not be paid: what was frozen is available again. Nothing may have been sent, and either nobody agrees any more
-- (refused, expired) or a person calls an agreed one off. codes: ok, repeat, bad_state, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION refuse_withdrawal(p_station bigint, p_id bigint, p_actor text, p_message text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE w record;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.state INTO w FROM withdrawal x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF w.state = 'declined' THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  IF w.state <> 'created' OR EXISTS (SELECT 1 FROM approval a WHERE a.station_id = p_station AND a.kind = 'withdrawal' AND a.subject = p_id::text AND a.state = 'waiting') THEN
    RETURN QUERY SELECT 'bad_state'; RETURN;
  END IF;
  PERFORM _end_withdrawal(p_station, p_id, false, '', p_message, p_actor);
  RETURN QUERY SELECT 'ok';
END $f$;

-- The station thinks better of it, before anybody has agreed. codes: ok, repeat, bad_state, not_found.
-- grant: app, main
CREATE OR REPLACE FUNCTION cancel_withdrawal(p_station bigint, p_id bigint, p_actor text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE w record;
BEGIN
  PERFORM _enter_station(p_station);
  -- In the order of a vote: first the approval, then the withdrawal.
  UPDATE approval a SET state = 'refused', decided_at = now() WHERE a.station_id = p_station AND a.kind = 'withdrawal' AND a.subject = p_id::text AND a.state = 'waiting';
  IF NOT FOUND THEN
    SELECT x.state INTO w FROM withdrawal x WHERE x.station_id = p_station AND x.id = p_id;
    RETURN QUERY SELECT CASE WHEN w.state IS NULL THEN 'not_found' WHEN w.state = 'declined' THEN 'repeat' ELSE 'bad_state' END; RETURN;
  END IF;
  PERFORM 1 FROM withdrawal x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  PERFORM _end_withdrawal(p_station, p_id, false, '', 'cancelled', p_actor);
  RETURN QUERY SELECT 'ok';
END $f$;

-- The end, either way. The row is locked by the caller. p_ref: the payment's number where it was made.
-- grant: nobody
CREATE OR REPLACE FUNCTION _end_withdrawal(p_station bigint, p_id bigint, p_paid boolean, p_ref text, p_message text, p_actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE w record; v_frozen bigint := _account(p_station, 'frozen');
BEGIN
  UPDATE withdrawal x SET state = CASE WHEN p_paid THEN 'succeeded' ELSE 'declined' END, done_at = now(), next_try_at = NULL, message = left(p_message, 300), reason = CASE WHEN p_paid THEN '' ELSE left(p_message, 300) END,
         provider_ref = CASE WHEN p_ref <> '' THEN p_ref ELSE x.provider_ref END, done_by = CASE WHEN p_actor <> '' THEN p_actor ELSE x.done_by END
   WHERE x.station_id = p_station AND x.id = p_id RETURNING x.amount, x.fee, x.plugin_id, x.account INTO STRICT w;
  IF p_paid THEN
    PERFORM _require_approved(p_station, 'withdrawal', p_id::text); -- the wall: no money leaves on one person's word
    PERFORM _post('withdrawal:' || p_station || ':' || p_id || ':pay', p_station, NULL, NULL, NULL, ARRAY[v_frozen, v_frozen],
      ARRAY[_account(1, 'gateway_clearing', CASE WHEN w.plugin_id = '' THEN 'hand' WHEN w.account = '' THEN w.plugin_id ELSE w.plugin_id || ':' || w.account END), _account(1, 'revenue')],
      ARRAY[w.amount - w.fee, w.fee], ARRAY['withdraw.pay', 'withdraw.fee']);
  ELSE
    PERFORM _post('withdrawal:' || p_station || ':' || p_id || ':return', p_station, NULL, NULL, NULL,
      ARRAY[v_frozen], ARRAY[_account(p_station, 'available')], ARRAY[w.amount], ARRAY['withdraw.return']);
  END IF;
  UPDATE alert SET state = 'closed', closed_at = now() WHERE station_id = 1 AND kind = 'withdrawal' AND subject = 'withdrawal:' || p_station || ':' || p_id AND state = 'open';
END $f$;

-- Somebody chooses the account that pays. codes: ok, repeat, bad_state, not_approved, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION start_payout(p_station bigint, p_id bigint, p_plugin text, p_account text, p_actor text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE w record;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.state, x.approved_at, x.plugin_id, x.account INTO w FROM withdrawal x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF w.approved_at IS NULL THEN RETURN QUERY SELECT 'not_approved'; RETURN; END IF;
  IF w.state <> 'created' THEN RETURN QUERY SELECT CASE WHEN (w.plugin_id, w.account) = (p_plugin, p_account) THEN 'repeat' ELSE 'bad_state' END; RETURN; END IF;
  PERFORM _require_approved(p_station, 'withdrawal', p_id::text);
  UPDATE withdrawal x SET plugin_id = p_plugin, account = p_account, done_by = p_actor, next_try_at = now() WHERE x.station_id = p_station AND x.id = p_id;
  RETURN QUERY SELECT 'ok';
END $f$;

-- Take one step of a payout: from here on its outcome is unknown until an answer says otherwise. No row: not due, or taken.
-- `was`: created = it is to be sent; else it is to be asked about, with the same number.
-- grant: main
CREATE OR REPLACE FUNCTION claim_payout(p_station bigint, p_id bigint) RETURNS TABLE (was text, withdrawal_no text, net bigint, payee_kind text, payee jsonb,
  plugin_id text, account text, tries int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE w record;
BEGIN
  IF _recovering() THEN RETURN; END IF;
  PERFORM _enter_station(p_station);
  SELECT * INTO w FROM withdrawal x WHERE x.station_id = p_station AND x.id = p_id AND x.state IN ('created', 'sent', 'unknown')
     AND x.plugin_id <> '' AND x.next_try_at <= now() FOR NO KEY UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM _require_approved(p_station, 'withdrawal', p_id::text);
  UPDATE withdrawal x SET state = CASE x.state WHEN 'created' THEN 'sent' ELSE x.state END, sent_at = coalesce(x.sent_at, now()), tries = x.tries + 1, next_try_at = now() + interval '2 minutes'
   WHERE x.station_id = p_station AND x.id = p_id;
  RETURN QUERY SELECT w.state, w.withdrawal_no, w.amount - w.fee, w.payee_kind, w.payee, w.plugin_id, w.account, w.tries;
END $f$;

-- What an answer means. p_state: succeeded, declined, sent, unknown; created when it is sure that nothing was sent.
-- codes: ok, repeat, not_found, bad_state.
-- grant: main
CREATE OR REPLACE FUNCTION settle_payout(p_station bigint, p_id bigint, p_state text, p_ref text, p_message text, p_next interval) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE w record;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.state, x.sent_at INTO w FROM withdrawal x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF w.state IN ('succeeded', 'declined') THEN RETURN QUERY SELECT CASE WHEN w.state = p_state THEN 'repeat' ELSE 'bad_state' END; RETURN; END IF;
  IF w.state = 'created' OR p_state = 'created' AND w.state <> 'sent' THEN RETURN QUERY SELECT 'bad_state'; RETURN; END IF;
  IF p_state IN ('succeeded', 'declined') THEN
    PERFORM _end_withdrawal(p_station, p_id, p_state = 'succeeded', p_ref, p_message, '');
  ELSE
    UPDATE withdrawal x SET state = p_state, message = left(p_message, 300), next_try_at = now() + p_next, provider_ref = CASE WHEN p_ref <> '' THEN p_ref ELSE x.provider_ref END,
           sent_at = CASE WHEN p_state <> 'created' THEN x.sent_at END
     WHERE x.station_id = p_station AND x.id = p_id;
  END IF;
  RETURN QUERY SELECT 'ok';
END $f$;

-- A person has paid it: nothing was sent by a plugin. codes: ok, repeat, conflict (paid under another reference), bad_state,
-- not_approved, ref_missing, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION pay_withdrawal_by_hand(p_station bigint, p_id bigint, p_actor text, p_ref text, p_proof_type text, p_proof bytea) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE w record;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.state, x.approved_at, x.plugin_id, x.provider_ref INTO w FROM withdrawal x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF w.state = 'succeeded' AND w.plugin_id = '' THEN RETURN QUERY SELECT CASE WHEN w.provider_ref = p_ref THEN 'repeat' ELSE 'conflict' END; RETURN; END IF;
  IF w.state <> 'created' THEN RETURN QUERY SELECT 'bad_state'; RETURN; END IF;
  IF w.approved_at IS NULL THEN RETURN QUERY SELECT 'not_approved'; RETURN; END IF;
  IF length(trim(coalesce(p_ref, ''))) < 3 THEN RETURN QUERY SELECT 'ref_missing'; RETURN; END IF;
  UPDATE withdrawal x SET plugin_id = '', account = '', sent_at = now(), proof_type = coalesce(p_proof_type, ''), proof = p_proof WHERE x.station_id = p_station AND x.id = p_id;
  PERFORM _end_withdrawal(p_station, p_id, true, trim(p_ref), '', p_actor);
  RETURN QUERY SELECT 'ok';
END $f$;

-- The other side does not say what became of a payout: a person has looked it up there. Only what is unknown.
-- codes: ok, repeat, bad_state, ref_missing, not_found.
-- grant: main
CREATE OR REPLACE FUNCTION decide_payout(p_station bigint, p_id bigint, p_paid boolean, p_ref text, p_message text, p_actor text) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE w record;
BEGIN
  PERFORM _enter_station(p_station);
  SELECT x.state INTO w FROM withdrawal x WHERE x.station_id = p_station AND x.id = p_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN QUERY SELECT 'not_found'; RETURN; END IF;
  IF w.state IN ('succeeded', 'declined') AND (w.state = 'succeeded') = p_paid THEN RETURN QUERY SELECT 'repeat'; RETURN; END IF;
  IF w.state <> 'unknown' THEN RETURN QUERY SELECT 'bad_state'; RETURN; END IF;
  IF p_paid AND length(trim(coalesce(p_ref, ''))) < 3 THEN RETURN QUERY SELECT 'ref_missing'; RETURN; END IF;
  PERFORM _end_withdrawal(p_station, p_id, p_paid, trim(coalesce(p_ref, '')), p_message, p_actor);
  RETURN QUERY SELECT 'ok';
END $f$;

-- Nothing waits in silence: agreed and not paid for a day, or unclear for half an hour, is an alert until it ends.
-- grant: main
CREATE OR REPLACE FUNCTION watch_withdrawals() RETURNS TABLE (raised bigint)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  WITH r AS (
    INSERT INTO alert(station_id, kind, subject, title, detail)
    SELECT 1, 'withdrawal', 'withdrawal:' || w.station_id || ':' || w.id, 'withdrawal waits', jsonb_build_object('station_id', w.station_id, 'withdrawal_no', w.withdrawal_no, 'state', w.state)
      FROM withdrawal w WHERE w.state = 'created' AND w.approved_at < now() - interval '1 day' OR w.state IN ('sent', 'unknown') AND w.sent_at < now() - interval '30 minutes'
    ON CONFLICT DO NOTHING RETURNING 1)
  SELECT count(*) FROM r
$f$;
