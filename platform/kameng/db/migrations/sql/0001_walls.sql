-- Step 0001: row level security on every table that carries station_id, and who may do what.
-- app    = pages and API of one station: sees the rows of app.station_id, nothing else.
-- main   = the main station's console and jobs: all rows, yet no write to the ledger and no unsold card.
-- guard  = owner of the guarded functions; no login, no bypass, policies of its own.
-- readonly = reporting: all rows of harmless columns.

DO $$
DECLARE t text;
BEGIN
  FOR t IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
           WHERE c.relkind = 'r' AND (c.relname = 'station' OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'station_id' AND NOT a.attisdropped))
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY main_all ON %I TO kameng_main USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY guard_all ON %I TO kameng_guard USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY readonly_all ON %I FOR SELECT TO kameng_readonly USING (true)', t);
    IF t NOT IN ('station', 'host', 'card') THEN
      EXECUTE format($p$CREATE POLICY station_own ON %I TO kameng_app
        USING (station_id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint))
        WITH CHECK (station_id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint))$p$, t);
    END IF;
  END LOOP;
END $$;
CREATE POLICY station_own ON station TO kameng_app
  USING (id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint))
  WITH CHECK (id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint));
CREATE POLICY station_own ON host FOR SELECT TO kameng_app USING (true); -- host names are public
CREATE POLICY station_own ON card FOR SELECT TO kameng_app               -- a station sees the cards it has sold
  USING (status = 2 AND station_id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint));

GRANT USAGE ON SCHEMA public TO kameng_app, kameng_main, kameng_readonly, kameng_guard;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO kameng_app, kameng_main, kameng_guard;

-- app ------------------------------------------------------------------------------------------
GRANT SELECT ON station, host, role, staff, member, audit_event, category, product, sku, tag, product_tag, purchase_field,
  price_rule, listing, data_key, card, orders, order_event, payment_attempt, payment_notice, refund, account, account_balance,
  risk_decision, risk_hit, notice TO kameng_app;
GRANT UPDATE (name, tagline, theme, theme_settings, contact, notice, locale) ON station TO kameng_app;
GRANT UPDATE (password_hash, totp_secret, totp_last_step, last_login_at, name, email) ON staff TO kameng_app;
GRANT INSERT, UPDATE ON member, price_rule, payment_notice TO kameng_app;
GRANT DELETE ON price_rule TO kameng_app;
GRANT UPDATE (active, fixed_price) ON listing TO kameng_app;
GRANT INSERT ON audit_event, payment_attempt, risk_decision, risk_hit, notice, outbox TO kameng_app;
GRANT UPDATE (state, provider_ref, redirect_url, qr_content, message, sent_at, closed_at, next_query_at, query_count) ON payment_attempt TO kameng_app;

-- main -----------------------------------------------------------------------------------------
GRANT SELECT, INSERT, UPDATE ON station, host, station_application, role, staff, member, category, product, sku, tag, product_tag, purchase_field,
  sku_cost, price_rule, listing, price_chain, data_key, card_batch, alert, station_plugin, payment_attempt, payment_notice, purchase,
  outbox, job_slot, job_run, notice TO kameng_main;
GRANT DELETE ON category, product, sku, tag, product_tag, purchase_field, price_rule, listing, price_chain, host, job_slot, outbox, outbox_done, risk_hit, notice TO kameng_main;
GRANT SELECT, INSERT ON cost_change, audit_event, risk_decision, risk_hit, outbox_done TO kameng_main;
GRANT UPDATE ON risk_decision TO kameng_main;
GRANT SELECT ON orders, order_cost, order_event, refund, account, account_balance, transfer, account_rollup TO kameng_main;
GRANT UPDATE (state, tries, next_try_at, message) ON refund TO kameng_main;
GRANT SELECT (id, sku_id, batch_id, status, key_id, expires_on, station_id, order_id, held_until, sold_at) ON card TO kameng_main;

-- readonly -------------------------------------------------------------------------------------
GRANT SELECT ON station, host, category, product, sku, tag, product_tag, purchase_field, listing, order_event, refund, account, account_balance, transfer, alert, job_run, job_slot TO kameng_readonly;
GRANT SELECT (station_id, id, order_no, channel, sku_id, kind, product_name, sku_name, quantity, unit_price, total, payable, currency, state, paid_method, created_at, expires_at, paid_at, delivered_at) ON orders TO kameng_readonly;
GRANT SELECT (station_id, id, attempt_no, purpose, order_id, plugin_id, method, amount, currency, fee, state, created_at, paid_at) ON payment_attempt TO kameng_readonly;
GRANT SELECT (id, sku_id, batch_id, status, expires_on, station_id, order_id, sold_at) ON card TO kameng_readonly;

-- guard ----------------------------------------------------------------------------------------
GRANT SELECT ON ALL TABLES IN SCHEMA public TO kameng_guard;
GRANT INSERT, UPDATE ON card, card_batch, orders, order_cost, order_event, payment_attempt, payment_notice, refund, account, account_balance, account_rollup, outbox, alert TO kameng_guard;
GRANT INSERT ON transfer, outbox_done, risk_hit TO kameng_guard;
