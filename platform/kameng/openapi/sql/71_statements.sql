-- What one member's wallet went through in a span of time, for the statements of its programs.

-- Movements of [p_from, p_until) in a stable order, each row with the balance before and after the span. The two are found in two
-- ways that do not lean on each other: before = all earlier movements, after = the balance of now without all later ones.
-- Without a movement there is one row with id NULL. Needs the whole history of the wallet: for a day's statement, not for pages.
-- grant: app
CREATE OR REPLACE FUNCTION wallet_span(p_station bigint, p_member bigint, p_from timestamptz, p_until timestamptz)
RETURNS TABLE (id bigint, at timestamptz, kind text, amount bigint, order_no text, idempotency_key text, opening bigint, closing bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $f$
BEGIN
  PERFORM _enter_station(p_station);
  RETURN QUERY WITH w AS MATERIALIZED (
    SELECT a.id, b.balance FROM account a JOIN account_balance b ON b.account_id = a.id
     WHERE a.station_id = p_station AND a.kind = 'wallet' AND a.ref = p_member::text AND a.currency = 'CNY'
  ), moved AS (
    SELECT t.id, t.at, t.amount FROM w JOIN transfer t ON t.credit_account = w.id
    UNION ALL
    SELECT t.id, t.at, -t.amount FROM w JOIN transfer t ON t.debit_account = w.id
  ), sums AS ( -- one pass over the history
    SELECT coalesce(sum(m.amount) FILTER (WHERE m.at < p_from), 0)::bigint AS before,
           coalesce(sum(m.amount) FILTER (WHERE m.at >= p_until), 0)::bigint AS later,
           array_agg(m.id) FILTER (WHERE m.at >= p_from AND m.at < p_until) AS ids FROM moved m
  )
  SELECT t.id, t.at, t.kind, CASE WHEN t.credit_account = w.id THEN t.amount ELSE -t.amount END, o.order_no, o.idempotency_key,
         s.before, coalesce(w.balance, 0) - s.later
    FROM sums s LEFT JOIN w ON true LEFT JOIN LATERAL unnest(s.ids) AS i(id) ON true LEFT JOIN transfer t ON t.id = i.id
    LEFT JOIN orders o ON o.station_id = p_station AND o.id = t.order_id ORDER BY t.at, t.id;
END $f$;
