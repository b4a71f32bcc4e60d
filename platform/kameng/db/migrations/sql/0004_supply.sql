-- Step 0004: supply. Suppliers with papers and contracts, connections and offers, purchases that know what they cost and why
-- this supplier was asked, scorecards, plans, reviewed plugin releases. A supplier's own people work as a role of their own.

-- ───────────────────────── suppliers ─────────────────────────
CREATE TABLE supplier (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code text NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
  name text NOT NULL, legal_name text NOT NULL DEFAULT '',
  contact_name text NOT NULL DEFAULT '', phone text NOT NULL DEFAULT '', email text NOT NULL DEFAULT '',
  internal boolean NOT NULL DEFAULT false,       -- the main station's own people: nothing is owed to them
  state text NOT NULL DEFAULT 'applied' CHECK (state IN ('applied','active','paused','refused','closed')),
  pause_reason text NOT NULL DEFAULT '',
  grade text CHECK (grade IN ('A','B','C','D')), -- NULL: too few purchases to judge
  grade_fixed boolean NOT NULL DEFAULT false,    -- set by staff: the scorecard leaves it alone
  about text NOT NULL DEFAULT '',                -- what the applicant sells and where it comes from
  reason text NOT NULL DEFAULT '',               -- of the last decision, for the applicant to read
  created_at timestamptz NOT NULL DEFAULT now(), decided_at timestamptz, decided_by text NOT NULL DEFAULT ''
);
CREATE TABLE supplier_user (                     -- somebody who works at a supplier
  supplier_id bigint NOT NULL REFERENCES supplier(id), id bigint GENERATED ALWAYS AS IDENTITY,
  login text NOT NULL UNIQUE, name text NOT NULL, email text NOT NULL DEFAULT '',
  password_hash text NOT NULL, totp_secret bytea, totp_last_step bigint NOT NULL DEFAULT 0,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active','disabled')),
  session_epoch int NOT NULL DEFAULT 1,          -- raised when the password changes: older sessions end
  created_at timestamptz NOT NULL DEFAULT now(), last_login_at timestamptz,
  PRIMARY KEY (supplier_id, id)
);
CREATE TABLE supplier_key (                      -- signs what a supplier's own system pushes to us
  supplier_id bigint NOT NULL REFERENCES supplier(id), id bigint GENERATED ALWAYS AS IDENTITY,
  key_id text NOT NULL UNIQUE, sealed bytea NOT NULL, state text NOT NULL DEFAULT 'active' CHECK (state IN ('active','revoked')),
  created_by text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), last_used_at timestamptz,
  PRIMARY KEY (supplier_id, id)
);
CREATE TABLE supplier_document (                 -- licences and the like; the content is sealed
  supplier_id bigint NOT NULL REFERENCES supplier(id), id bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL CHECK (kind IN ('business_licence','telecom_licence','brand_authorisation','identity','bank_account','other')),
  title text NOT NULL, number text NOT NULL DEFAULT '', issued_by text NOT NULL DEFAULT '', valid_until date, -- NULL: for ever
  media_type text NOT NULL, sealed bytea NOT NULL CHECK (length(sealed) <= 5300000),
  state text NOT NULL DEFAULT 'submitted' CHECK (state IN ('submitted','approved','refused')),
  reason text NOT NULL DEFAULT '', reviewed_by text NOT NULL DEFAULT '', reviewed_at timestamptz, submitted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (supplier_id, id)
);
CREATE INDEX supplier_document_expiry ON supplier_document(valid_until) WHERE state = 'approved';
CREATE TABLE supplier_contract (
  supplier_id bigint NOT NULL REFERENCES supplier(id), id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  contract_no text NOT NULL UNIQUE,
  terms text NOT NULL DEFAULT 'standard' CHECK (terms IN ('standard','priority','exclusive')), -- asked in turn; before the others; alone
  valid_from date NOT NULL, valid_until date NOT NULL CHECK (valid_until >= valid_from),
  credit_limit bigint NOT NULL DEFAULT 0 CHECK (credit_limit >= 0), -- how much may be owed; 0 = prepaid
  settlement_cycle text NOT NULL DEFAULT 'monthly' CHECK (settlement_cycle IN ('prepaid','daily','weekly','monthly')),
  duty_contact text NOT NULL DEFAULT '', duty_phone text NOT NULL DEFAULT '', duty_minutes int NOT NULL DEFAULT 30 CHECK (duty_minutes BETWEEN 1 AND 10080),
  state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft','active','ended')),
  note text NOT NULL DEFAULT '', created_by text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), signed_at timestamptz, ended_at timestamptz,
  PRIMARY KEY (supplier_id, id)
);
CREATE TABLE contract_cost (                     -- the agreed list: routing never pays more than this for these
  supplier_id bigint NOT NULL, contract_id bigint NOT NULL, sku_id bigint NOT NULL REFERENCES sku(id),
  cost bigint NOT NULL CHECK (cost >= 0),
  PRIMARY KEY (supplier_id, contract_id, sku_id), FOREIGN KEY (supplier_id, contract_id) REFERENCES supplier_contract(supplier_id, id)
);

-- ───────────────────────── connections and offers ─────────────────────────
CREATE TABLE supply_connection (                 -- one account at one supplier, spoken to by one plugin
  supplier_id bigint NOT NULL REFERENCES supplier(id), id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  plugin_id text NOT NULL, account text NOT NULL DEFAULT '', name text NOT NULL,
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active','paused')), pause_reason text NOT NULL DEFAULT '',
  sync_every_s int NOT NULL DEFAULT 300 CHECK (sync_every_s BETWEEN 30 AND 86400), sync_goods boolean NOT NULL DEFAULT true,
  next_sync_at timestamptz NOT NULL DEFAULT now(), synced_at timestamptz, sync_error text NOT NULL DEFAULT '', sync_counts jsonb NOT NULL DEFAULT '{}',
  balance bigint, balance_at timestamptz, low_balance bigint NOT NULL DEFAULT 0 CHECK (low_balance >= 0), -- alert below it; 0 = never
  failures int NOT NULL DEFAULT 0, trips int NOT NULL DEFAULT 0, broken_until timestamptz, last_error text NOT NULL DEFAULT '', -- the breaker
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (supplier_id, id), UNIQUE (supplier_id, plugin_id, account)
);
CREATE INDEX supply_connection_sync ON supply_connection(next_sync_at) WHERE state = 'active';
CREATE TABLE supply_offer (
  supplier_id bigint NOT NULL, connection_id bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  sku_ref text NOT NULL, name text NOT NULL, category text NOT NULL DEFAULT '', kind text NOT NULL CHECK (kind IN ('card','top_up','manual')),
  cost bigint NOT NULL CHECK (cost >= 0), stock int CHECK (stock >= 0), on_sale boolean NOT NULL DEFAULT true, -- stock NULL: it does not say
  minimum int NOT NULL DEFAULT 1, maximum int, fields jsonb NOT NULL DEFAULT '[]', -- [{name, label, required, choices}]
  sku_id bigint REFERENCES sku(id),              -- which of our SKUs it is; NULL: not mapped
  input_map jsonb NOT NULL DEFAULT '{}',         -- its field → our purchase field
  active boolean NOT NULL DEFAULT true,          -- staff's own switch for routing
  first_seen_at timestamptz NOT NULL DEFAULT now(), seen_at timestamptz NOT NULL DEFAULT now(), gone_at timestamptz, changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (supplier_id, id), UNIQUE (connection_id, sku_ref),
  FOREIGN KEY (supplier_id, connection_id) REFERENCES supply_connection(supplier_id, id)
);
CREATE INDEX supply_offer_sku ON supply_offer(sku_id) WHERE sku_id IS NOT NULL;
CREATE TABLE supply_offer_change (               -- cost and shelf history
  supplier_id bigint NOT NULL, offer_id bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY,
  old_cost bigint, new_cost bigint NOT NULL, old_on_sale boolean, new_on_sale boolean NOT NULL,
  source text NOT NULL CHECK (source IN ('sync','notice','portal','staff')), at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (supplier_id, offer_id, id), FOREIGN KEY (supplier_id, offer_id) REFERENCES supply_offer(supplier_id, id)
);
CREATE INDEX supply_offer_change_at ON supply_offer_change(at);
CREATE TABLE supply_policy (                     -- per SKU; without a row the defaults below count
  sku_id bigint PRIMARY KEY REFERENCES sku(id),
  on_rise text NOT NULL DEFAULT 'reprice' CHECK (on_rise IN ('reprice','pause','ask')), -- a cost at or above a retail price
  follow boolean NOT NULL DEFAULT true,          -- the SKU's cost follows the best offer
  only_raise boolean NOT NULL DEFAULT false,     -- follows upwards alone
  add_bp int NOT NULL DEFAULT 0 CHECK (add_bp BETWEEN 0 AND 100000), add_amount bigint NOT NULL DEFAULT 0 CHECK (add_amount >= 0), -- cost + % + fixed
  least_cost bigint CHECK (least_cost >= 0),     -- never reckoned below this
  loss_bp int NOT NULL DEFAULT 0 CHECK (loss_bp BETWEEN 0 AND 10000), -- a purchase may cost so much more than the sale brings
  when_none text NOT NULL DEFAULT 'refund' CHECK (when_none IN ('refund','desk')), -- nobody can deliver: money back, or a person tries
  updated_at timestamptz NOT NULL DEFAULT now(), updated_by text NOT NULL DEFAULT 'system'
);
CREATE TABLE supply_level (                      -- how many can be had upstream; read when an order is placed. Without a row: no offers, no limit
  sku_id bigint PRIMARY KEY REFERENCES sku(id),
  available int CHECK (available >= 0),          -- NULL: no limit known
  paused text NOT NULL DEFAULT '',               -- why it is 0 though offers exist: cost …
  updated_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE sku ADD COLUMN sourcing text NOT NULL DEFAULT 'pool' CHECK (sourcing IN ('pool','pool_first','supplier')); -- cards: where they come from
ALTER TABLE orders
  ADD COLUMN source text NOT NULL DEFAULT 'pool' CHECK (source IN ('pool','supplier')), -- cards of the pool, or a purchase
  ADD COLUMN short int NOT NULL DEFAULT 0 CHECK (short BETWEEN 0 AND quantity); -- pieces that nobody could deliver; paid back
ALTER TABLE orders NO FORCE ROW LEVEL SECURITY;
UPDATE orders SET source = 'supplier' WHERE kind <> 'card';
CREATE INDEX orders_to_supply ON orders(updated_at) WHERE source = 'supplier' AND state IN ('paid','fulfilling','partially_delivered');
DROP INDEX orders_open;
CREATE INDEX orders_open ON orders(deadline_at) WHERE state IN ('pending_payment','paid','fulfilling','held','refunding','partially_delivered');

-- ───────────────────────── purchases ─────────────────────────
INSERT INTO supplier(code, name, internal, state, about) VALUES ('desk', '主站人工', true, 'active', '由主站工作人员在后台完成');
INSERT INTO supply_connection(supplier_id, plugin_id, name, sync_goods) SELECT id, 'supplier-manual', '主站人工', false FROM supplier WHERE code = 'desk';
ALTER TABLE purchase NO FORCE ROW LEVEL SECURITY;
ALTER TABLE purchase
  ADD COLUMN attempt int NOT NULL DEFAULT 1,     -- of the order: 2 = the next supplier after a proven failure, or the rest of a partial delivery
  ADD COLUMN connection_id bigint, ADD COLUMN supplier_id bigint, ADD COLUMN offer_id bigint, ADD COLUMN account text NOT NULL DEFAULT '',
  ADD COLUMN sku_id bigint REFERENCES sku(id), ADD COLUMN sku_ref text NOT NULL DEFAULT '', ADD COLUMN title text NOT NULL DEFAULT '',
  ADD COLUMN quantity int NOT NULL DEFAULT 1 CHECK (quantity > 0), ADD COLUMN delivered int NOT NULL DEFAULT 0,
  ADD COLUMN inputs jsonb NOT NULL DEFAULT '{}', -- as sent, by the supplier's names
  ADD COLUMN expected_cost bigint NOT NULL DEFAULT 0, ADD COLUMN max_cost bigint NOT NULL DEFAULT 0, -- of all pieces
  ADD COLUMN refunded bigint NOT NULL DEFAULT 0, -- of the cost given back by the supplier
  ADD COLUMN routing jsonb NOT NULL DEFAULT '[]', -- why this supplier: [{supplier, offer_id, cost, grade, outcome, why}]
  ADD COLUMN code text NOT NULL DEFAULT '',      -- short word for the last answer: no_answer, not_found, above_cap …
  ADD COLUMN waits_for text NOT NULL DEFAULT '', -- what an open purchase waits for, for people to read as a word: answer, supplier, person …
  ADD COLUMN sends int NOT NULL DEFAULT 0, ADD COLUMN queries int NOT NULL DEFAULT 0,
  ADD COLUMN cancel_asked_at timestamptz,
  ADD COLUMN late_success boolean NOT NULL DEFAULT false; -- delivered after it had said no
UPDATE purchase p SET connection_id = c.id, supplier_id = c.supplier_id FROM supply_connection c WHERE c.plugin_id = 'supplier-manual';
UPDATE purchase p SET sku_id = o.sku_id, quantity = o.quantity, title = o.product_name || ' ' || o.sku_name, sends = CASE WHEN p.sent_at IS NULL THEN 0 ELSE 1 END,
  delivered = CASE WHEN p.state = 'succeeded' THEN o.quantity ELSE 0 END FROM orders o WHERE o.station_id = p.station_id AND o.id = p.order_id;
ALTER TABLE purchase FORCE ROW LEVEL SECURITY;
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
ALTER TABLE purchase
  ALTER COLUMN connection_id SET NOT NULL, ALTER COLUMN supplier_id SET NOT NULL, ALTER COLUMN sku_id SET NOT NULL,
  ADD CONSTRAINT purchase_delivered CHECK (delivered BETWEEN 0 AND quantity),
  ADD CONSTRAINT purchase_refunded CHECK (refunded >= 0 AND refunded <= coalesce(cost, 0)),
  ADD CONSTRAINT purchase_connection FOREIGN KEY (supplier_id, connection_id) REFERENCES supply_connection(supplier_id, id),
  ADD CONSTRAINT purchase_attempt UNIQUE (station_id, order_id, attempt),
  ADD CONSTRAINT purchase_number UNIQUE (purchase_no);   -- suppliers see the numbers of all stations
CREATE UNIQUE INDEX purchase_one_open ON purchase(station_id, order_id) WHERE state IN ('created','sent','unknown'); -- one at a time: no second supplier while one may still deliver
CREATE INDEX purchase_due ON purchase(next_query_at) WHERE state IN ('created','sent','unknown');
CREATE INDEX purchase_supplier ON purchase(supplier_id, created_at);
CREATE INDEX purchase_connection_done ON purchase(connection_id, done_at);
ALTER TABLE card ADD COLUMN purchase_id bigint;  -- of the order's station: which purchase brought it
CREATE UNIQUE INDEX card_bought ON card(digest) WHERE purchase_id IS NOT NULL; -- suppliers sell no card twice, not as other goods either
CREATE TABLE purchase_exchange (                 -- what went over the line; sealed, since an answer may hold codes
  station_id bigint NOT NULL, purchase_id bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY,
  step text NOT NULL, outcome text NOT NULL, code text NOT NULL DEFAULT '', message text NOT NULL DEFAULT '',
  sealed bytea, elapsed_ms int NOT NULL DEFAULT 0, correlation_id text NOT NULL DEFAULT '', at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (station_id, purchase_id, id), FOREIGN KEY (station_id, purchase_id) REFERENCES purchase(station_id, id)
);
CREATE TABLE supply_notice (                     -- callbacks of suppliers as they came; sealed for the same reason
  supplier_id bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, connection_id bigint NOT NULL,
  digest bytea NOT NULL, sealed bytea NOT NULL, result text NOT NULL, purchase_no text NOT NULL DEFAULT '', event_id text NOT NULL DEFAULT '',
  times int NOT NULL DEFAULT 1, ip text NOT NULL DEFAULT '', at timestamptz NOT NULL DEFAULT now(), last_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (supplier_id, id), UNIQUE (connection_id, digest),
  FOREIGN KEY (supplier_id, connection_id) REFERENCES supply_connection(supplier_id, id)
);
CREATE INDEX supply_notice_purchase ON supply_notice(purchase_no) WHERE purchase_no <> '';

-- ───────────────────────── money with suppliers ─────────────────────────
ALTER TABLE account DROP CONSTRAINT account_kind_check, ADD CONSTRAINT account_kind_check CHECK (kind IN (
  'wallet','prepaid','deposit','frozen','available',                    -- with a balance row
  'margin_pending','order_clearing','refund_payable','gateway_clearing','station_gateway','goods_cost','revenue','gateway_fee',
  'rounding','adjustment','bonus','gateway_difference','supplier'));    -- supplier: what we owe it; below zero = prepaid
ALTER TABLE transfer ADD COLUMN purchase_id bigint;
CREATE INDEX transfer_purchase ON transfer(station_id, purchase_id) WHERE purchase_id IS NOT NULL;
CREATE TABLE supplier_payment (                  -- money that we paid to a supplier, or got back from it, outside the product
  supplier_id bigint NOT NULL REFERENCES supplier(id), id bigint GENERATED ALWAYS AS IDENTITY,
  amount bigint NOT NULL CHECK (amount <> 0 AND amount % 100 = 0), -- below zero: it came back
  paid_on date NOT NULL, method text NOT NULL DEFAULT '', reference text NOT NULL DEFAULT '', note text NOT NULL DEFAULT '',
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting','done','refused')), -- waits for a second person
  requested_by text NOT NULL, request_key text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), done_at timestamptz,
  PRIMARY KEY (supplier_id, id), UNIQUE (supplier_id, request_key)
);
CREATE TABLE supplier_statement (                -- one period's account with a supplier, as the postings stood when it was drawn up
  supplier_id bigint NOT NULL REFERENCES supplier(id), id bigint GENERATED ALWAYS AS IDENTITY,
  period_from date NOT NULL, period_until date NOT NULL CHECK (period_until >= period_from), -- both days included, by the calendar in China
  opening bigint NOT NULL, purchases bigint NOT NULL, refunds bigint NOT NULL, payments bigint NOT NULL, closing bigint NOT NULL, lines int NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open','confirmed','disputed')), comment text NOT NULL DEFAULT '',
  their_total bigint,                            -- what the supplier's own bill says the purchases come to
  created_at timestamptz NOT NULL DEFAULT now(), answered_at timestamptz, answered_by text NOT NULL DEFAULT '',
  PRIMARY KEY (supplier_id, id), UNIQUE (supplier_id, period_from, period_until),
  CHECK (closing = opening + purchases - refunds - payments)
);
CREATE TABLE supply_dispute (
  supplier_id bigint NOT NULL REFERENCES supplier(id), id bigint GENERATED ALWAYS AS IDENTITY,
  station_id bigint, purchase_id bigint, statement_id bigint,
  kind text NOT NULL CHECK (kind IN ('bad_card','not_delivered','late','cost','count','statement','other')),
  claim bigint NOT NULL DEFAULT 0 CHECK (claim >= 0), agreed bigint CHECK (agreed >= 0),
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open','answered','agreed','refused','closed')),
  opened_by text NOT NULL, opened_at timestamptz NOT NULL DEFAULT now(), due_at timestamptz NOT NULL, first_answer_at timestamptz, closed_at timestamptz,
  PRIMARY KEY (supplier_id, id), FOREIGN KEY (station_id, purchase_id) REFERENCES purchase(station_id, id),
  FOREIGN KEY (supplier_id, statement_id) REFERENCES supplier_statement(supplier_id, id)
);
CREATE INDEX supply_dispute_open ON supply_dispute(due_at) WHERE state IN ('open','answered');
CREATE TABLE supply_dispute_message (
  supplier_id bigint NOT NULL, dispute_id bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY,
  actor text NOT NULL, body text NOT NULL, at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (supplier_id, dispute_id, id), FOREIGN KEY (supplier_id, dispute_id) REFERENCES supply_dispute(supplier_id, id)
);

-- ───────────────────────── scorecards, plans ─────────────────────────
CREATE TABLE score_rule (                        -- how a scorecard is reckoned; edited by staff
  metric text PRIMARY KEY CHECK (metric IN ('success','on_time','time_outs','stock_accuracy','after_sales','price_stability','complaints','papers')),
  weight int NOT NULL CHECK (weight BETWEEN 0 AND 1000),
  full_at numeric NOT NULL, zero_at numeric NOT NULL -- the value that earns all points, and the one that earns none
);
INSERT INTO score_rule VALUES ('success',300,0.99,0.80), ('on_time',200,0.98,0.70), ('time_outs',100,0,0.10), ('stock_accuracy',80,1,0.80),
  ('after_sales',80,1,0.50), ('price_stability',80,0.02,0.25), ('complaints',100,0,0.05), ('papers',60,1,0);
CREATE TABLE score_terms (                       -- one row: limits of the grades, and when a supplier is stopped
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  a_from int NOT NULL DEFAULT 900, b_from int NOT NULL DEFAULT 750, c_from int NOT NULL DEFAULT 600, -- of 1000 points
  window_days int NOT NULL DEFAULT 30 CHECK (window_days BETWEEN 1 AND 365), least_purchases int NOT NULL DEFAULT 20 CHECK (least_purchases >= 1),
  recent_minutes int NOT NULL DEFAULT 30 CHECK (recent_minutes BETWEEN 1 AND 1440), recent_purchases int NOT NULL DEFAULT 10 CHECK (recent_purchases >= 3),
  demote_below_bp int NOT NULL DEFAULT 8500 CHECK (demote_below_bp BETWEEN 0 AND 10000), -- recent success rate: one grade down at once
  pause_below_bp int NOT NULL DEFAULT 5000 CHECK (pause_below_bp BETWEEN 0 AND 10000),   -- below it nothing is bought there until a person says so
  on_time_s int NOT NULL DEFAULT 120 CHECK (on_time_s > 0),
  updated_at timestamptz NOT NULL DEFAULT now(), updated_by text NOT NULL DEFAULT 'system',
  CHECK (a_from > b_from AND b_from > c_from AND c_from > 0), CHECK (pause_below_bp <= demote_below_bp)
);
INSERT INTO score_terms DEFAULT VALUES;
CREATE TABLE supplier_score (
  supplier_id bigint NOT NULL REFERENCES supplier(id), id bigint GENERATED ALWAYS AS IDENTITY,
  at timestamptz NOT NULL DEFAULT now(), purchases int NOT NULL, score int, grade text CHECK (grade IN ('A','B','C','D')), -- NULL: too few
  metrics jsonb NOT NULL DEFAULT '{}',           -- {metric: {value, points, weight}}
  reasons jsonb NOT NULL DEFAULT '[]',           -- what moved the grade, as codes with values
  PRIMARY KEY (supplier_id, id)
);
CREATE INDEX supplier_score_at ON supplier_score(supplier_id, at);
CREATE TABLE season (                            -- a time of other demand; the public holidays come from the calendar, these from staff
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, starts_on date NOT NULL, ends_on date NOT NULL CHECK (ends_on >= starts_on),
  created_by text NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE purchase_plan (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, season text NOT NULL DEFAULT '', -- spring_festival …, or own:<name> of one that staff wrote down
  starts_on date NOT NULL, ends_on date NOT NULL CHECK (ends_on >= starts_on),
  state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft','active','closed')), note text NOT NULL DEFAULT '',
  created_by text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), started_at timestamptz, closed_at timestamptz
);
CREATE TABLE purchase_plan_line (
  plan_id bigint NOT NULL REFERENCES purchase_plan(id) ON DELETE CASCADE, sku_id bigint NOT NULL REFERENCES sku(id),
  forecast int NOT NULL CHECK (forecast >= 0), explain jsonb NOT NULL DEFAULT '{}', -- {daily, uplift, from: …}
  in_stock int NOT NULL DEFAULT 0,               -- when the plan was started
  planned int NOT NULL CHECK (planned >= 0), supplier_id bigint REFERENCES supplier(id), note text NOT NULL DEFAULT '',
  PRIMARY KEY (plan_id, sku_id)
);

-- ───────────────────────── published plugins ─────────────────────────
CREATE TABLE plugin_release (
  plugin_id text NOT NULL, version text NOT NULL, digest text NOT NULL, -- SHA-256 of its files
  state text NOT NULL DEFAULT 'submitted' CHECK (state IN ('submitted','approved','refused')),
  report jsonb NOT NULL DEFAULT '{}', submitted_by text NOT NULL DEFAULT '', submitted_at timestamptz NOT NULL DEFAULT now(),
  reviewed_by text NOT NULL DEFAULT '', reviewed_at timestamptz, reason text NOT NULL DEFAULT '',
  PRIMARY KEY (plugin_id, version, digest)
);

-- ───────────────────────── walls ─────────────────────────
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['supplier','supplier_user','supplier_key','supplier_document','supplier_contract','contract_cost','supply_connection','supply_offer',
    'supply_offer_change','supply_notice','supplier_payment','supplier_statement','supply_dispute','supply_dispute_message','supplier_score','purchase_exchange']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY main_all ON %I TO kameng_main USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY guard_all ON %I TO kameng_guard USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY readonly_all ON %I FOR SELECT TO kameng_readonly USING (true)', t);
    IF t = 'purchase_exchange' THEN -- staff's alone: granted to neither station nor supplier
      EXECUTE format($p$CREATE POLICY station_own ON %I TO kameng_app
        USING (station_id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint))
        WITH CHECK (station_id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint))$p$, t);
      CONTINUE;
    END IF;
    EXECUTE format($p$CREATE POLICY supplier_own ON %I TO kameng_supplier
      USING (%I = (SELECT nullif(current_setting('app.supplier_id', true), '')::bigint))
      WITH CHECK (%I = (SELECT nullif(current_setting('app.supplier_id', true), '')::bigint))$p$, t,
      CASE t WHEN 'supplier' THEN 'id' ELSE 'supplier_id' END, CASE t WHEN 'supplier' THEN 'id' ELSE 'supplier_id' END);
  END LOOP;
END $$;
CREATE POLICY supplier_own ON purchase FOR SELECT TO kameng_supplier
  USING (supplier_id = (SELECT nullif(current_setting('app.supplier_id', true), '')::bigint));

-- supplier: its own rows; what it may not see (who buys, what it is sold for, what others ask) is not granted.
GRANT USAGE ON SCHEMA public TO kameng_supplier;
GRANT SELECT (id, code, name, legal_name, contact_name, phone, email, state, pause_reason, grade, about, reason, created_at, decided_at) ON supplier TO kameng_supplier;
GRANT UPDATE (contact_name, phone, email, about) ON supplier TO kameng_supplier;
GRANT SELECT ON supplier_user, supplier_document, supplier_contract, contract_cost, supply_offer, supply_offer_change, supplier_statement, supply_dispute,
  supply_dispute_message, supplier_score, supplier_payment TO kameng_supplier;
GRANT SELECT (supplier_id, id, key_id, state, created_by, created_at, last_used_at) ON supplier_key TO kameng_supplier;
GRANT SELECT (supplier_id, id, plugin_id, name, state, pause_reason) ON supply_connection TO kameng_supplier;
GRANT SELECT (station_id, id, purchase_no, state, supplier_id, connection_id, offer_id, sku_id, sku_ref, title, quantity, delivered, inputs, expected_cost, cost, refunded, message,
  created_at, sent_at, done_at) ON purchase TO kameng_supplier;
GRANT SELECT (id, code, name, product_id) ON sku TO kameng_supplier;
GRANT SELECT (id, name, kind) ON product TO kameng_supplier;
GRANT INSERT ON supply_offer_change, supply_dispute_message, supplier_key TO kameng_supplier;
GRANT INSERT (supplier_id, kind, title, number, media_type, sealed) ON supplier_document TO kameng_supplier; -- never a state
GRANT INSERT (supplier_id, connection_id, sku_ref, name, category, kind, cost, stock, on_sale, minimum, maximum) ON supply_offer TO kameng_supplier;
GRANT UPDATE (name, category, cost, stock, on_sale, minimum, maximum, seen_at, changed_at, gone_at) ON supply_offer TO kameng_supplier;
GRANT UPDATE (state, last_used_at) ON supplier_key TO kameng_supplier;
GRANT UPDATE (password_hash, totp_secret, totp_last_step, last_login_at, name, email, session_epoch) ON supplier_user TO kameng_supplier;
GRANT UPDATE (state, comment, their_total, answered_at, answered_by) ON supplier_statement TO kameng_supplier;
GRANT UPDATE (state, first_answer_at) ON supply_dispute TO kameng_supplier;

-- app: whether something can be had, and nothing about suppliers. Of an order's story it sees the changes of state; what happened
-- at suppliers stands in events that change none.
DROP POLICY station_own ON order_event;
CREATE POLICY station_own ON order_event TO kameng_app
  USING (station_id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint) AND from_state <> to_state)
  WITH CHECK (station_id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint));
GRANT SELECT ON supply_level TO kameng_app;

-- main
GRANT SELECT, INSERT, UPDATE ON supplier, supplier_user, supplier_key, supplier_document, supplier_contract, contract_cost, supply_connection, supply_offer,
  supply_policy, supply_level, supply_notice, supply_dispute, score_rule, score_terms, season, purchase_plan, purchase_plan_line, plugin_release TO kameng_main;
GRANT SELECT, INSERT ON supply_offer_change, purchase_exchange, supply_dispute_message, supplier_score TO kameng_main;
GRANT SELECT, INSERT, UPDATE (state, comment, their_total, answered_at, answered_by) ON supplier_statement TO kameng_main;
GRANT SELECT ON supplier_payment TO kameng_main;
GRANT DELETE ON contract_cost, season, purchase_plan, purchase_plan_line, supply_policy, supply_level, purchase_exchange TO kameng_main;
REVOKE INSERT, UPDATE ON purchase FROM kameng_main; -- purchases move by guarded functions alone
GRANT UPDATE (message, code, waits_for, next_query_at, supplier_ref) ON purchase TO kameng_main;
GRANT SELECT (purchase_id) ON card TO kameng_main;

-- readonly, guard
GRANT SELECT ON supplier_contract, supply_offer, supply_offer_change, supplier_score, supply_level, purchase_plan, purchase_plan_line TO kameng_readonly;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO kameng_guard;
GRANT INSERT, UPDATE ON purchase, supplier_payment, supply_dispute, supply_dispute_message TO kameng_guard;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO kameng_app, kameng_main, kameng_guard, kameng_supplier;

UPDATE role SET permissions = permissions || ARRAY['supplier.review','supply.route','supply.plan','dispute.manage','supplier.pay']
 WHERE station_id = 1 AND builtin AND code = 'purchasing' AND NOT permissions @> ARRAY['supplier.review'];
UPDATE role SET permissions = permissions || ARRAY['supplier.view','supplier.pay']
 WHERE station_id = 1 AND builtin AND code = 'finance' AND NOT permissions @> ARRAY['supplier.pay'];
