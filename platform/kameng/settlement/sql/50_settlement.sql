-- Guarded functions of settlement: what a station earns, when it may take it out.

-- The terms that count for a station: its own, else those of the main station.
-- grant: nobody
CREATE OR REPLACE FUNCTION _terms(p_station bigint) RETURNS settlement_terms
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v settlement_terms;
BEGIN
  LOOP
    SELECT * INTO v FROM settlement_terms t WHERE t.station_id IN (p_station, 1) ORDER BY t.station_id = 1 LIMIT 1;
    IF FOUND THEN RETURN v; END IF;
    INSERT INTO settlement_terms(station_id) VALUES (1) ON CONFLICT DO NOTHING;
  END LOOP;
END $f$;

-- T+n by the calendar in China: the first moment of the n-th day after today, or now.
-- grant: nobody
CREATE OR REPLACE FUNCTION _release_moment(p_days int) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT CASE WHEN p_days = 0 THEN now() ELSE (date_trunc('day', now() AT TIME ZONE 'Asia/Shanghai') + make_interval(days => p_days)) AT TIME ZONE 'Asia/Shanghai' END
$f$;

-- One row for each level that earns with an order; the seller who has collected the money itself holds its margin already.
-- grant: nobody
CREATE OR REPLACE FUNCTION _open_settlements(p_station bigint, p_order bigint, p_quantity int, p_own boolean, p_parties bigint[], p_margins bigint[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_party bigint; v_margin bigint; v_days int; v_due timestamptz := now();
BEGIN
  FOR i IN 1 .. cardinality(p_parties) LOOP
    v_party := p_parties[i]; v_margin := p_margins[i] * p_quantity;
    CONTINUE WHEN v_party = 1 OR v_margin = 0 OR p_own AND v_party = p_station;
    SELECT t.release_days INTO v_days FROM settlement_terms t WHERE t.station_id IN (v_party, 1) ORDER BY t.station_id DESC LIMIT 1; -- as _terms, in one plain question
    IF v_days IS NULL THEN v_days := (_terms(v_party)).release_days; END IF;
    INSERT INTO settlement(station_id, order_station_id, order_id, margin, due_at)
      VALUES (v_party, p_station, p_order, v_margin, CASE WHEN v_days = 0 THEN v_due ELSE date_trunc('day', v_due, 'Asia/Shanghai') + v_days * interval '24 hours' END);
  END LOOP;
  RETURN true;
END $f$;

-- Note that a level gives back p_amount of its margin of an order; returns the account it comes from. Of a margin released
-- already the service fee on that part goes back to the station.
-- grant: nobody
CREATE OR REPLACE FUNCTION _return_margin(p_party bigint, p_station bigint, p_order bigint, p_own boolean, p_amount bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE s record; v_fee bigint;
BEGIN
  SELECT x.* INTO s FROM settlement x WHERE x.station_id = p_party AND x.order_station_id = p_station AND x.order_id = p_order FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN _margin_account(p_party, p_station, p_own); END IF;
  v_fee := CASE WHEN s.state = 'released' THEN _service_fee(s.margin - s.returned - p_amount, s.fee_bp) ELSE s.fee END;
  UPDATE settlement x SET returned = x.returned + p_amount, fee = v_fee WHERE x.station_id = p_party AND x.id = s.id;
  IF s.state <> 'released' THEN RETURN _account(p_party, 'margin_pending'); END IF;
  PERFORM _post('settlement:' || p_party || ':' || s.id || ':fee_return:' || s.returned + p_amount, p_party, NULL, NULL, NULL,
    ARRAY[_account(1, 'revenue')], ARRAY[_account(p_party, 'available')], ARRAY[s.fee - v_fee], ARRAY['settle.fee_return']);
  RETURN _account(p_party, 'available');
END $f$;

-- The main station's service fee on a margin, half up; nothing on a margin that is none.
-- grant: nobody
CREATE OR REPLACE FUNCTION _service_fee(p_margin bigint, p_fee_bp int) RETURNS bigint
LANGUAGE sql IMMUTABLE SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  SELECT CASE WHEN p_margin > 0 THEN div(p_margin::numeric * p_fee_bp + 5000, 10000)::bigint ELSE 0 END
$f$;
