-- The gateway's two answers: to a charge, and the notice that money has come.

-- What a gateway said to a charge. A notice may have been faster: what is paid stays paid. p_asked false: nobody will be
-- asked about it. With p_hours and p_minutes the shopper pays by hand and the order waits (keep_for_transfer).
-- codes: ok, late (the attempt is not being charged any more).
-- grant: app
CREATE OR REPLACE FUNCTION keep_charge(p_station bigint, p_attempt bigint, p_state text, p_provider_ref text, p_redirect_url text, p_qr_content text,
  p_message text, p_cashier jsonb, p_asked boolean, p_hours int, p_minutes int) RETURNS TABLE (code text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
DECLARE v_number text;
BEGIN
  PERFORM _enter_station(p_station);
  IF p_state NOT IN ('sent', 'declined', 'unknown') THEN RAISE EXCEPTION 'a charge does not end as %', p_state USING ERRCODE = 'KM006'; END IF;
  UPDATE payment_attempt a SET state = p_state, sent_at = now(), provider_ref = p_provider_ref, redirect_url = p_redirect_url, qr_content = p_qr_content,
         message = p_message, cashier = p_cashier, next_query_at = CASE WHEN p_asked THEN a.next_query_at END
   WHERE a.station_id = p_station AND a.id = p_attempt AND a.state = 'created' RETURNING a.attempt_no INTO v_number;
  IF v_number IS NULL THEN code := 'late'; RETURN NEXT; RETURN; END IF;
  IF p_hours IS NOT NULL THEN PERFORM keep_for_transfer(p_station, v_number, p_hours, p_minutes); END IF;
  code := 'ok';
  RETURN NEXT;
END $f$;

-- A notice under the main station's token: it may be about an attempt of any station that uses this account. What nobody
-- has opened there is the main station's matter, where it is refused as unknown. The usual payment is delivered at once; what
-- is not usual goes through receive_notice, which knows every case. codes: as receive_notice.
-- grant: main
CREATE OR REPLACE FUNCTION receive_main_notice(p_plugin text, p_digest bytea, p_method text, p_query text, p_headers jsonb, p_body bytea, p_ip text,
  p_result text, p_attempt_no text, p_amount bigint, p_currency text, p_provider_ref text, p_wait boolean, p_holder bigint, p_account text)
RETURNS TABLE (code text, order_id bigint, order_no text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $f$
#variable_conflict use_column
DECLARE v_station bigint; v record; v_kept boolean;
BEGIN
  v := _deliver_at_once(p_attempt_no, p_plugin, p_amount, p_currency, p_provider_ref, 'notice', p_holder, p_account);
  IF v.done THEN
    code := 'ok'; order_id := v.order_id; order_no := v.order_no;
    v_kept := _keep_notice(v.station_id, p_plugin, p_digest, p_method, p_query, p_headers, p_body, p_ip, code, p_attempt_no);
    RETURN NEXT; RETURN;
  END IF;
  SELECT a.station_id INTO v_station FROM payment_attempt a
   WHERE a.attempt_no = p_attempt_no AND a.plugin_id = p_plugin AND a.account_station_id = p_holder AND a.account = p_account ORDER BY a.station_id LIMIT 1;
  RETURN QUERY SELECT n.code, n.order_id, n.order_no FROM receive_notice(coalesce(v_station, 1), p_plugin, p_digest, p_method, p_query, p_headers, p_body, p_ip,
    p_result, p_attempt_no, p_amount, p_currency, p_provider_ref, p_wait, p_holder, p_account) n;
END $f$;
