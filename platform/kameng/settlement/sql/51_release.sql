-- Guarded functions of settlement: margins whose time has come, and what a station has.

-- Release what is due, at most p_limit rows of ONE station: a transaction locks one balance row and cannot meet another one
-- half-way. Call it until it returns nothing. Rows that others hold at this moment are left for the next round.
-- The service fee is on what refunds have left of the margin; what the gateway kept is borne whole, for it gives nothing back.
-- grant: main
CREATE OR REPLACE FUNCTION release_settlements(p_limit int) RETURNS TABLE (station_id bigint, released int, amount bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE s record; t settlement_terms; v_party bigint; v_net bigint; v_fee bigint; v_gateway bigint; v_pending bigint;
BEGIN
  SELECT x.station_id INTO v_party FROM settlement x WHERE x.state = 'pending' AND x.due_at <= now()
   ORDER BY x.due_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
  IF v_party IS NULL THEN RETURN; END IF;
  station_id := v_party; released := 0; amount := 0;
  t := _terms(v_party);
  v_pending := _account(v_party, 'margin_pending');
  FOR s IN SELECT x.id, x.order_station_id, x.order_id, x.margin - x.returned AS net FROM settlement x
     WHERE x.station_id = v_party AND x.state = 'pending' AND x.due_at <= now() ORDER BY x.due_at, x.id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED LOOP
    v_fee := _service_fee(s.net, t.fee_bp);
    v_gateway := CASE WHEN t.pays_gateway_fee AND s.order_station_id = v_party THEN _gateway_kept(v_party, s.order_id) ELSE 0 END;
    v_net := s.net - v_fee - v_gateway;
    UPDATE settlement x SET state = 'released', released_at = now(), fee_bp = t.fee_bp, fee = v_fee, gateway_fee = v_gateway
     WHERE x.station_id = v_party AND x.id = s.id;
    PERFORM _post('settlement:' || v_party || ':' || s.id || ':release', s.order_station_id, s.order_id, NULL, NULL,
      ARRAY[v_pending, v_pending, v_pending], ARRAY[_account(v_party, 'available'), _account(1, 'revenue'), _account(1, 'gateway_fee')],
      ARRAY[v_net, v_fee, v_gateway], ARRAY['settle.release', 'settle.fee', 'settle.gateway_fee']);
    released := released + 1; amount := amount + v_net;
  END LOOP;
  RETURN NEXT;
END $f$;

-- What gateways kept of an order's payment on the main station's accounts.
-- grant: nobody
CREATE OR REPLACE FUNCTION _gateway_kept(p_station bigint, p_order bigint) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT coalesce(sum(a.fee), 0)::bigint FROM payment_attempt a
   WHERE a.station_id = p_station AND a.order_id = p_order AND a.state = 'succeeded' AND a.account_station_id = 1
$f$;

-- The terms that count for a station, for its own console too: those of the main station are everybody's default.
-- grant: app, main
CREATE OR REPLACE FUNCTION station_terms(p_station bigint) RETURNS SETOF settlement_terms
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN NEXT _terms(p_station);
END $f$;

-- Accounts of a station with what is in them now: balance rows, or the roll-up and what came after it.
-- grant: nobody
CREATE OR REPLACE FUNCTION _station_accounts(p_station bigint) RETURNS TABLE (id bigint, kind text, balance bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT a.id, a.kind, coalesce(b.balance, coalesce(r.balance, 0) + coalesce(m.moved, 0))::bigint
    FROM account a LEFT JOIN account_balance b ON b.account_id = a.id LEFT JOIN account_rollup r ON r.account_id = a.id
    LEFT JOIN LATERAL (
      SELECT sum(l.x) AS moved FROM (
        SELECT t.amount AS x FROM transfer t WHERE t.credit_account = a.id AND (r.through IS NULL OR t.xid >= r.through)
        UNION ALL SELECT -t.amount FROM transfer t WHERE t.debit_account = a.id AND (r.through IS NULL OR t.xid >= r.through)) l) m ON b.account_id IS NULL
   WHERE a.station_id = p_station AND a.ref = '' AND a.kind IN ('margin_pending', 'available', 'frozen', 'prepaid', 'deposit')
$f$;

-- What a station has: by account, what was withdrawn so far, and what it must have deposited.
-- grant: app, main
CREATE OR REPLACE FUNCTION settlement_funds(p_station bigint) RETURNS TABLE (pending bigint, available bigint, frozen bigint, prepaid bigint, deposit bigint,
  withdrawn bigint, deposit_required bigint, next_release_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN QUERY SELECT
    coalesce(sum(x.balance) FILTER (WHERE x.kind = 'margin_pending'), 0)::bigint, coalesce(sum(x.balance) FILTER (WHERE x.kind = 'available'), 0)::bigint,
    coalesce(sum(x.balance) FILTER (WHERE x.kind = 'frozen'), 0)::bigint, coalesce(sum(x.balance) FILTER (WHERE x.kind = 'prepaid'), 0)::bigint,
    coalesce(sum(x.balance) FILTER (WHERE x.kind = 'deposit'), 0)::bigint,
    (SELECT coalesce(sum(w.amount), 0)::bigint FROM withdrawal w WHERE w.station_id = p_station AND w.state = 'succeeded'),
    (_terms(p_station)).deposit_required,
    (SELECT min(s.due_at) FROM settlement s WHERE s.station_id = p_station AND s.state = 'pending')
    FROM _station_accounts(p_station) x;
END $f$;

-- A statement is read from the postings and nothing else. Each account of the station: what was in it when the period
-- began, what came and went by kind. `amount` is signed; the row with kind '' is the opening balance.
-- grant: app, main
CREATE OR REPLACE FUNCTION statement_sums(p_station bigint, p_from timestamptz, p_to timestamptz) RETURNS TABLE (account text, kind text, amount bigint, lines bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN QUERY
  WITH mine AS MATERIALIZED (SELECT * FROM _station_accounts(p_station)),
  moved AS MATERIALIZED (
    SELECT m.kind AS account, t.kind, t.at, t.amount AS x FROM mine m JOIN transfer t ON t.credit_account = m.id WHERE t.at >= p_from
    UNION ALL SELECT m.kind, t.kind, t.at, -t.amount FROM mine m JOIN transfer t ON t.debit_account = m.id WHERE t.at >= p_from)
  SELECT m.kind, '', (m.balance - coalesce((SELECT sum(v.x) FROM moved v WHERE v.account = m.kind), 0))::bigint, 0::bigint FROM mine m
  UNION ALL
  SELECT v.account, v.kind, sum(v.x)::bigint, count(*) FROM moved v WHERE v.at < p_to GROUP BY v.account, v.kind, v.x > 0;
END $f$;

-- Its lines, oldest first. An order is named by its number, which is that of the station that has sold it.
-- grant: app, main
CREATE OR REPLACE FUNCTION statement_lines(p_station bigint, p_from timestamptz, p_to timestamptz, p_offset bigint, p_limit int)
RETURNS TABLE (id bigint, at timestamptz, account text, kind text, amount bigint, seller_id bigint, order_no text, txn text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN QUERY
  WITH mine AS MATERIALIZED (SELECT a.id, a.kind FROM account a WHERE a.station_id = p_station AND a.ref = ''
      AND a.kind IN ('margin_pending', 'available', 'frozen', 'prepaid', 'deposit')),
  moved AS (
    SELECT t.id, t.at, m.kind AS account, t.kind, t.amount AS x, t.station_id AS seller, t.order_id, t.txn FROM mine m JOIN transfer t ON t.credit_account = m.id WHERE t.at >= p_from AND t.at < p_to
    UNION ALL SELECT t.id, t.at, m.kind, t.kind, -t.amount, t.station_id, t.order_id, t.txn FROM mine m JOIN transfer t ON t.debit_account = m.id WHERE t.at >= p_from AND t.at < p_to),
  page AS (SELECT * FROM moved v ORDER BY v.at, v.id, v.x OFFSET greatest(p_offset, 0) LIMIT least(p_limit, 100000))
  SELECT v.id, v.at, v.account, v.kind, v.x, v.seller, o.order_no, v.txn FROM page v
    LEFT JOIN orders o ON o.station_id = v.seller AND o.id = v.order_id ORDER BY v.at, v.id, v.x;
END $f$;
