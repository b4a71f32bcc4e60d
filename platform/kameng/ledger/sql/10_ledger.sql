-- Guarded functions of the ledger: the only way to write account, account_balance and transfer.
-- Money moves from `debit` to `credit`; the balance of an account is its credits minus its debits.

-- grant: nobody
CREATE OR REPLACE FUNCTION _account(p_station bigint, p_kind text, p_ref text DEFAULT '') RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_id bigint;
BEGIN
  SELECT id INTO v_id FROM account WHERE station_id = p_station AND kind = p_kind AND ref = p_ref AND currency = 'CNY';
  IF v_id IS NOT NULL THEN RETURN v_id; END IF;
  INSERT INTO account(station_id, kind, ref) VALUES (p_station, p_kind, p_ref) ON CONFLICT DO NOTHING RETURNING id INTO v_id;
  IF v_id IS NULL THEN -- another transaction has just made it
    SELECT id INTO v_id FROM account WHERE station_id = p_station AND kind = p_kind AND ref = p_ref AND currency = 'CNY';
  ELSIF p_kind IN ('wallet', 'prepaid', 'deposit', 'frozen', 'available') THEN
    -- What a station has earned may fall below zero: a refund after the payout is its debt. Withdrawals ask for more than zero.
    INSERT INTO account_balance(account_id, station_id, floor) VALUES (v_id, p_station, CASE p_kind WHEN 'available' THEN -1000000000000000000 ELSE 0 END);
  END IF;
  RETURN v_id;
END $f$;

-- Post linked transfers: all or none. Returns false when the same txn was posted before.
-- Same txn with other legs is refused (KM409); a floor that would be broken raises KM003.
-- Legs of amount 0 are left out, a negative leg runs the other way. Balance rows are locked last, by id.
-- grant: nobody
CREATE OR REPLACE FUNCTION _post(p_txn text, p_station bigint, p_order bigint, p_attempt bigint, p_refund bigint,
  p_debits bigint[], p_credits bigint[], p_amounts bigint[], p_kinds text[], p_purchase bigint DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE d bigint[] := '{}'; c bigint[] := '{}'; a bigint[] := '{}'; k text[] := '{}'; v_text text := ''; v_hash bytea; v_old bytea; v_legs int; v_new int;
        v_account bigint; v_delta bigint;
BEGIN
  FOR i IN 1 .. cardinality(p_amounts) LOOP
    CONTINUE WHEN p_amounts[i] = 0;
    IF p_amounts[i] > 0 THEN d := d || p_debits[i]; c := c || p_credits[i]; ELSE d := d || p_credits[i]; c := c || p_debits[i]; END IF;
    a := a || abs(p_amounts[i]); k := k || p_kinds[i];
    v_legs := cardinality(a);
    v_text := v_text || CASE v_legs WHEN 1 THEN '' ELSE ';' END || d[v_legs] || '>' || c[v_legs] || ':' || a[v_legs] || ':' || p_kinds[i];
  END LOOP;
  IF v_legs IS NULL THEN RETURN true; END IF;
  v_hash := sha256(convert_to(v_text, 'UTF8'));
  -- The attempt stands at the legs that its money made; those of a sale belong to the order, and need no entry in the attempts' index.
  INSERT INTO transfer(debit_account, credit_account, amount, kind, station_id, order_id, attempt_id, refund_id, purchase_id, txn, leg, params_hash)
    SELECT d[n], c[n], a[n], k[n], p_station, p_order, CASE WHEN k[n] NOT LIKE 'sale.%' THEN p_attempt END, p_refund, p_purchase, p_txn, n, v_hash
      FROM generate_series(1, v_legs) n ON CONFLICT (txn, leg) DO NOTHING;
  GET DIAGNOSTICS v_new = ROW_COUNT;
  IF v_new < v_legs THEN -- posted before, or by another hand a moment ago: its rows are committed now
    SELECT t.params_hash INTO v_old FROM transfer t WHERE t.txn = p_txn AND t.leg = 1;
    IF v_new > 0 OR v_old IS DISTINCT FROM v_hash THEN
      RAISE EXCEPTION 'txn % was posted with other legs', p_txn USING ERRCODE = 'KM409';
    END IF;
    RETURN false;
  END IF;
  FOREACH v_account IN ARRAY ARRAY(SELECT b.account_id FROM account_balance b WHERE b.account_id = ANY (d || c) ORDER BY b.account_id) LOOP
    v_delta := 0;
    FOR i IN 1 .. v_legs LOOP
      IF d[i] = v_account THEN v_delta := v_delta - a[i]; ELSIF c[i] = v_account THEN v_delta := v_delta + a[i]; END IF;
    END LOOP;
    CONTINUE WHEN v_delta = 0;
    UPDATE account_balance b SET balance = b.balance + v_delta, updated_at = now() WHERE b.account_id = v_account AND b.balance + v_delta >= b.floor;
    IF NOT FOUND THEN RAISE EXCEPTION 'insufficient_funds' USING ERRCODE = 'KM003'; END IF;
  END LOOP;
  RETURN true;
END $f$;

-- The accounts that every sale of a station moves; made when it sells for the first time.
-- grant: nobody
CREATE OR REPLACE FUNCTION _open_till(p_station bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
  INSERT INTO till(station_id, clearing, goods, revenue, earned)
    VALUES (p_station, _account(p_station, 'order_clearing'), _account(1, 'goods_cost'), _account(1, 'revenue'),
            CASE WHEN p_station = 1 THEN _account(1, 'revenue') ELSE _account(p_station, 'margin_pending') END)
    ON CONFLICT DO NOTHING
$f$;

-- A sale that a wallet pays, posted with its order's own insert: the same rows and the same fingerprint as _post makes, without asking whether
-- they are there (the txn bears the number of the order that this very statement has made). For the usual trees: the main station's margin and
-- the seller's own, neither below zero; what payable is beyond the total goes to (from) rounding. Raises KM003; the wallet is locked last.
-- grant: nobody
CREATE OR REPLACE FUNCTION _post_wallet_sale(p_station bigint, p_order bigint, p_attempt bigint, p_wallet bigint, p_clearing bigint, p_goods bigint, p_revenue bigint, p_earned bigint,
  p_payable bigint, p_cost bigint, p_main_margin bigint, p_own_margin bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_rounding bigint := p_payable - p_cost - p_main_margin - p_own_margin; v_txn text := concat('order:', p_station, ':', p_order, ':sale'); v_hash bytea;
BEGIN
  IF p_cost < 0 OR p_main_margin < 0 OR p_own_margin < 0 THEN RAISE EXCEPTION 'a leg runs the other way' USING ERRCODE = 'KM010'; END IF;
  IF v_rounding <> 0 OR p_cost = 0 OR p_main_margin = 0 THEN -- some leg more or less than usual
    RETURN _post(v_txn, p_station, p_order, p_attempt, NULL, ARRAY[p_wallet, p_clearing, p_clearing, p_clearing, p_clearing],
      ARRAY[p_clearing, p_goods, p_revenue, p_earned, CASE WHEN v_rounding <> 0 THEN _account(1, 'rounding') END], ARRAY[p_payable, p_cost, p_main_margin, p_own_margin, v_rounding],
      ARRAY['wallet.pay', 'sale.cost', 'sale.margin', 'sale.margin', 'sale.rounding']);
  END IF;
  -- Rows of plain variables: an expression in a list of VALUES is set up anew for each row.
  IF p_own_margin = 0 THEN
    v_hash := sha256(convert_to(concat(p_wallet, '>', p_clearing, ':', p_payable, ':wallet.pay;', p_clearing, '>', p_goods, ':', p_cost, ':sale.cost;',
      p_clearing, '>', p_revenue, ':', p_main_margin, ':sale.margin'), 'UTF8'));
    INSERT INTO transfer(debit_account, credit_account, amount, kind, station_id, order_id, attempt_id, txn, leg, params_hash)
      VALUES (p_wallet, p_clearing, p_payable, 'wallet.pay', p_station, p_order, p_attempt, v_txn, 1, v_hash), (p_clearing, p_goods, p_cost, 'sale.cost', p_station, p_order, NULL, v_txn, 2, v_hash),
             (p_clearing, p_revenue, p_main_margin, 'sale.margin', p_station, p_order, NULL, v_txn, 3, v_hash);
  ELSE
    v_hash := sha256(convert_to(concat(p_wallet, '>', p_clearing, ':', p_payable, ':wallet.pay;', p_clearing, '>', p_goods, ':', p_cost, ':sale.cost;',
      p_clearing, '>', p_revenue, ':', p_main_margin, ':sale.margin;', p_clearing, '>', p_earned, ':', p_own_margin, ':sale.margin'), 'UTF8'));
    INSERT INTO transfer(debit_account, credit_account, amount, kind, station_id, order_id, attempt_id, txn, leg, params_hash)
      VALUES (p_wallet, p_clearing, p_payable, 'wallet.pay', p_station, p_order, p_attempt, v_txn, 1, v_hash), (p_clearing, p_goods, p_cost, 'sale.cost', p_station, p_order, NULL, v_txn, 2, v_hash),
             (p_clearing, p_revenue, p_main_margin, 'sale.margin', p_station, p_order, NULL, v_txn, 3, v_hash), (p_clearing, p_earned, p_own_margin, 'sale.margin', p_station, p_order, NULL, v_txn, 4, v_hash);
  END IF;
  UPDATE account_balance b SET balance = b.balance - p_payable, updated_at = now() WHERE b.account_id = p_wallet AND b.balance - p_payable >= b.floor;
  IF NOT FOUND THEN RAISE EXCEPTION 'insufficient_funds' USING ERRCODE = 'KM003'; END IF;
  RETURN true;
END $f$;

-- Entries of one wallet, newest first, for the member's own page.
-- grant: app, main
CREATE OR REPLACE FUNCTION wallet_entries(p_station bigint, p_member bigint, p_before bigint, p_limit int)
RETURNS TABLE (id bigint, at timestamptz, kind text, amount bigint, order_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN QUERY SELECT t.id, t.at, t.kind, CASE WHEN t.credit_account = a.id THEN t.amount ELSE -t.amount END, t.order_id
    FROM account a JOIN transfer t ON t.debit_account = a.id OR t.credit_account = a.id
   WHERE a.station_id = p_station AND a.kind = 'wallet' AND a.ref = p_member::text AND (p_before IS NULL OR t.id < p_before)
   ORDER BY t.id DESC LIMIT least(p_limit, 200);
END $f$;

-- What a station has earned and not yet been released, and its profit since a moment, for its own console. Releases,
-- fees and withdrawals move what was earned; they are no profit. A station that collects itself holds its own margin at once.
-- grant: app, main
CREATE OR REPLACE FUNCTION station_earnings(p_station bigint, p_since timestamptz)
RETURNS TABLE (pending bigint, since_amount bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN QUERY SELECT coalesce(sum(CASE WHEN t.credit_account = a.id THEN t.amount ELSE -t.amount END) FILTER (WHERE a.kind = 'margin_pending'), 0)::bigint,
         coalesce(sum(CASE WHEN t.credit_account = a.id THEN t.amount ELSE -t.amount END) FILTER (WHERE t.at >= p_since AND t.kind IN ('sale.margin', 'return.margin')), 0)::bigint
    FROM account a JOIN transfer t ON t.debit_account = a.id OR t.credit_account = a.id
   WHERE a.station_id = p_station AND a.kind IN ('margin_pending', 'available', 'station_gateway');
END $f$;

-- Roll up insert-only accounts: sums of rows that can no longer change. Returns accounts touched.
-- grant: main
CREATE OR REPLACE FUNCTION roll_up_accounts() RETURNS TABLE (accounts bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_through xid8; v_from xid8;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('roll_up_accounts'));
  v_through := pg_snapshot_xmin(pg_current_snapshot()); -- taken behind the lock: the mark must never go back
  SELECT coalesce(min(through), '0') INTO v_from FROM account_rollup; -- what lies before is in every roll-up already
  RETURN QUERY
  WITH moved AS (
    SELECT acc, sum(x)::bigint AS delta FROM (
      SELECT t.debit_account AS acc, -t.amount AS x FROM transfer t LEFT JOIN account_rollup r ON r.account_id = t.debit_account
       WHERE t.xid >= v_from AND t.xid < v_through AND (r.account_id IS NULL OR t.xid >= r.through)
      UNION ALL
      SELECT t.credit_account, t.amount FROM transfer t LEFT JOIN account_rollup r ON r.account_id = t.credit_account
       WHERE t.xid >= v_from AND t.xid < v_through AND (r.account_id IS NULL OR t.xid >= r.through)) s
     WHERE NOT EXISTS (SELECT 1 FROM account_balance b WHERE b.account_id = s.acc) GROUP BY acc
  ), done AS (
    INSERT INTO account_rollup(account_id, balance, through) SELECT acc, delta, v_through FROM moved
      ON CONFLICT (account_id) DO UPDATE SET balance = account_rollup.balance + EXCLUDED.balance, through = EXCLUDED.through, at = now()
      RETURNING 1
  ), rest AS ( -- accounts without movement move their mark too, or the next run would count from too early
    UPDATE account_rollup r SET through = v_through WHERE NOT EXISTS (SELECT 1 FROM moved m WHERE m.acc = r.account_id) RETURNING 1
  )
  SELECT count(*) FROM done;
END $f$;
