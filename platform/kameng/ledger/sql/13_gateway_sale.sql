-- A sale that a gateway's account has collected, posted with its delivery.

-- The same rows and fingerprints as _post makes for the collecting and for the sale, in one insert and without asking whether they are there: the
-- attempt becomes paid and the order delivered in this very statement. For the usual trees: the main station's margin and the seller's own, no
-- part below zero. What payable is beyond the total goes to (from) rounding. None of these accounts has a balance row. Raises KM010 for a part below zero.
-- grant: nobody
CREATE OR REPLACE FUNCTION _post_gateway_sale(p_station bigint, p_order bigint, p_attempt bigint, p_ref text, p_cash bigint, p_clearing bigint, p_goods bigint, p_revenue bigint, p_earned bigint,
  p_collected bigint, p_fee bigint, p_payable bigint, p_cost bigint, p_main_margin bigint, p_own_margin bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
DECLARE v_rounding bigint := p_payable - p_cost - p_main_margin - p_own_margin; v_round bigint; v_fees bigint; v_collect text; v_sale text; v_collected bytea; v_sold bytea;
BEGIN
  IF p_fee < 0 OR p_cost < 0 OR p_main_margin < 0 OR p_own_margin < 0 THEN RAISE EXCEPTION 'a leg runs the other way' USING ERRCODE = 'KM010'; END IF;
  IF v_rounding <> 0 THEN v_round := _account(1, 'rounding'); END IF;
  IF p_fee > 0 THEN v_fees := _account(1, 'gateway_fee'); END IF;
  v_collect := 'attempt:' || p_station || ':' || p_attempt || ':collect:' || p_ref;
  v_sale := 'order:' || p_station || ':' || p_order || ':sale';
  v_collected := sha256(convert_to(concat(p_cash, '>', p_clearing, ':', p_collected, ':payment.collect', CASE WHEN p_fee > 0 THEN concat(';', v_fees, '>', p_cash, ':', p_fee, ':payment.fee') END), 'UTF8'));
  v_sold := sha256(convert_to(ltrim(concat(CASE WHEN p_cost > 0 THEN concat(';', p_clearing, '>', p_goods, ':', p_cost, ':sale.cost') END,
    CASE WHEN p_main_margin > 0 THEN concat(';', p_clearing, '>', p_revenue, ':', p_main_margin, ':sale.margin') END,
    CASE WHEN p_own_margin > 0 THEN concat(';', p_clearing, '>', p_earned, ':', p_own_margin, ':sale.margin') END,
    CASE WHEN v_rounding > 0 THEN concat(';', p_clearing, '>', v_round, ':', v_rounding, ':sale.rounding')
         WHEN v_rounding < 0 THEN concat(';', v_round, '>', p_clearing, ':', -v_rounding, ':sale.rounding') END), ';'), 'UTF8'));
  INSERT INTO transfer(debit_account, credit_account, amount, kind, station_id, order_id, attempt_id, txn, leg, params_hash)
    SELECT g.d, g.c, g.amount, g.kind, p_station, p_order, g.attempt, g.txn, g.leg, g.hash
      FROM (VALUES (p_cash, p_clearing, p_collected, 'payment.collect', p_attempt, v_collect, 1, v_collected),
                   (v_fees, p_cash, p_fee, 'payment.fee', p_attempt, v_collect, 2, v_collected),
                   (p_clearing, p_goods, p_cost, 'sale.cost', NULL, v_sale, 1, v_sold),
                   (p_clearing, p_revenue, p_main_margin, 'sale.margin', NULL, v_sale, 1 + (p_cost > 0)::int, v_sold),
                   (p_clearing, p_earned, p_own_margin, 'sale.margin', NULL, v_sale, 1 + (p_cost > 0)::int + (p_main_margin > 0)::int, v_sold),
                   (CASE WHEN v_rounding > 0 THEN p_clearing ELSE v_round END, CASE WHEN v_rounding > 0 THEN v_round ELSE p_clearing END, abs(v_rounding), 'sale.rounding', NULL, v_sale,
                    1 + (p_cost > 0)::int + (p_main_margin > 0)::int + (p_own_margin > 0)::int, v_sold)) AS g(d, c, amount, kind, attempt, txn, leg, hash)
     WHERE g.amount > 0;
  RETURN true;
END $f$;
