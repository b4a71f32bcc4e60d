-- Step 0003: money beyond the first sale. Several accounts at a gateway, stations that collect themselves, part refunds,
-- settlement, withdrawals, a second person's word, bonuses, bills of the gateways, the sealed ledger.

-- ───────────────────────── accounts at gateways ─────────────────────────
ALTER TABLE station_plugin ADD COLUMN account text NOT NULL DEFAULT '' CHECK (account ~ '^[a-z0-9-]{0,20}$'); -- '' is the first account
ALTER TABLE station_plugin DROP CONSTRAINT station_plugin_pkey, ADD PRIMARY KEY (station_id, plugin_id, account);
CREATE TABLE payment_account (                   -- when an account at a gateway may be used; without a row: always
  station_id bigint NOT NULL REFERENCES station(id), plugin_id text NOT NULL, account text NOT NULL DEFAULT '',
  name text NOT NULL DEFAULT '',
  weight int NOT NULL DEFAULT 100 CHECK (weight BETWEEN 0 AND 1000), -- share of payments among accounts of one way to pay; 0 = none
  minimum bigint CHECK (minimum >= 0), maximum bigint CHECK (maximum > 0), daily_limit bigint CHECK (daily_limit > 0),
  opens time, closes time,                       -- by the clock in China; closes before opens = over midnight
  devices text[] NOT NULL DEFAULT '{}' CHECK (devices <@ ARRAY['desktop','phone','wechat','alipay']), -- empty = all
  failures int NOT NULL DEFAULT 0, trips int NOT NULL DEFAULT 0, broken_until timestamptz, last_error text NOT NULL DEFAULT '', -- the breaker
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (station_id, plugin_id, account),
  FOREIGN KEY (station_id, plugin_id, account) REFERENCES station_plugin(station_id, plugin_id, account) ON DELETE CASCADE,
  CHECK ((opens IS NULL) = (closes IS NULL))
);

-- ───────────────────────── attempts, refunds ─────────────────────────
ALTER TABLE payment_attempt
  ADD COLUMN account_station_id bigint NOT NULL DEFAULT 1 REFERENCES station(id), -- whose account collects: 1 or the station itself
  ADD COLUMN account text NOT NULL DEFAULT '',
  ADD COLUMN device text NOT NULL DEFAULT '',
  ADD COLUMN cashier jsonb NOT NULL DEFAULT '{}',  -- what the page to pay on needs: {"form": {}, "bridge": {}, "details": [{label, value, copy}]}
  ADD COLUMN opened_by text NOT NULL DEFAULT '',   -- staff:3, for prepaid and deposit
  DROP CONSTRAINT payment_attempt_purpose_check,
  ADD CONSTRAINT payment_attempt_purpose_check CHECK (purpose IN ('order','top_up','prepaid','deposit')),
  DROP CONSTRAINT payment_attempt_check1,
  ADD CONSTRAINT payment_attempt_whose CHECK (purpose <> 'top_up' OR member_id IS NOT NULL),
  ADD CONSTRAINT payment_attempt_collector CHECK (account_station_id IN (1, station_id)),
  ADD CONSTRAINT payment_attempt_own_orders CHECK (account_station_id = 1 OR purpose = 'order');
CREATE INDEX payment_attempt_paid ON payment_attempt(account_station_id, plugin_id, paid_at) WHERE state = 'succeeded';
CREATE TABLE payment_proof (                     -- what a shopper sent to show that a bank transfer is made
  station_id bigint NOT NULL REFERENCES station(id), id bigint GENERATED ALWAYS AS IDENTITY,
  attempt_id bigint NOT NULL, media_type text NOT NULL, content bytea NOT NULL CHECK (length(content) <= 3145728),
  note text NOT NULL DEFAULT '', ip text NOT NULL DEFAULT '', at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (station_id, id), FOREIGN KEY (station_id, attempt_id) REFERENCES payment_attempt(station_id, id)
);
CREATE INDEX payment_proof_attempt ON payment_proof(station_id, attempt_id);
ALTER TABLE refund
  ADD COLUMN request_key text NOT NULL DEFAULT '', -- of a person's request: pressed twice is once
  ADD COLUMN requested_by text NOT NULL DEFAULT 'system', ADD COLUMN note text NOT NULL DEFAULT '',
  ADD COLUMN by_hand text NOT NULL DEFAULT '',     -- who gave the money back past the gateway
  DROP CONSTRAINT refund_station_id_attempt_id_provider_ref_reason_key,
  ADD CONSTRAINT refund_once UNIQUE (station_id, attempt_id, provider_ref, reason, request_key),
  DROP CONSTRAINT refund_reason_check,
  ADD CONSTRAINT refund_reason_check CHECK (reason IN ('no_stock','late_payment','paid_twice','failed','risk_refused','cancelled_after_pay','staff','station_funds'));
CREATE UNIQUE INDEX refund_request ON refund(station_id, order_id, request_key) WHERE request_key <> '';
ALTER TABLE orders
  ADD COLUMN refunded bigint NOT NULL DEFAULT 0,   -- given back after delivery, in whole or in parts
  ADD COLUMN collected_by bigint NOT NULL DEFAULT 1, -- who holds the shopper's money: the main station or the station itself
  ADD COLUMN funded boolean NOT NULL DEFAULT false, -- collected by the station: its prepaid account has paid what the levels above are due
  ADD COLUMN fundings int NOT NULL DEFAULT 0,      -- how often that was taken back
  ADD COLUMN kept_at timestamptz,                  -- when its time was made longer for a transfer by hand; at most once
  ADD CONSTRAINT orders_refunded CHECK (refunded BETWEEN 0 AND payable);
CREATE INDEX orders_unfunded ON orders(deadline_at) WHERE state = 'paid' AND collected_by <> 1 AND NOT funded;

-- ───────────────────────── ledger ─────────────────────────
ALTER TABLE account DROP CONSTRAINT account_kind_check, ADD CONSTRAINT account_kind_check CHECK (kind IN (
  'wallet','prepaid','deposit','frozen','available',                    -- with a balance row
  'margin_pending','order_clearing','refund_payable','gateway_clearing','station_gateway','goods_cost','revenue','gateway_fee',
  'rounding','adjustment','bonus','gateway_difference'));
CREATE TABLE ledger_seal (                       -- hash chain over the transfers, made by one sealer after the fact
  id bigint PRIMARY KEY,
  from_xid xid8 NOT NULL, through_xid xid8 NOT NULL, -- seals the rows with from <= xid < through, by id
  transfers int NOT NULL, last_transfer bigint NOT NULL, volume numeric NOT NULL,
  previous bytea NOT NULL, hash bytea NOT NULL, at timestamptz NOT NULL DEFAULT now(),
  exported_at timestamptz
);
CREATE INDEX transfer_xid ON transfer(xid);
CREATE INDEX transfer_at ON transfer USING brin(at);           -- what has moved since: the small run of the proofs
CREATE INDEX order_event_at ON order_event USING brin(at);
CREATE INDEX payment_attempt_created ON payment_attempt USING brin(created_at);
CREATE INDEX refund_order ON refund(station_id, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX transfer_attempt ON transfer(station_id, attempt_id) WHERE attempt_id IS NOT NULL;

-- ───────────────────────── a second person's word ─────────────────────────
CREATE TABLE approval (                          -- something that one person alone may not do
  station_id bigint NOT NULL REFERENCES station(id), id bigint GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,                            -- withdrawal, adjustment …: who carries it out when it is approved
  subject text NOT NULL, title text NOT NULL, detail jsonb NOT NULL DEFAULT '{}', amount bigint,
  needed smallint NOT NULL DEFAULT 1 CHECK (needed BETWEEN 1 AND 5), -- people who must agree, the requester not among them
  requested_by text NOT NULL, reason text NOT NULL DEFAULT '',
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting','approved','refused','expired')),
  created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz NOT NULL DEFAULT now() + interval '7 days', decided_at timestamptz,
  PRIMARY KEY (station_id, id), UNIQUE (station_id, kind, subject)
);
CREATE INDEX approval_waiting ON approval(created_at) WHERE state = 'waiting';
CREATE TABLE approval_vote (
  station_id bigint NOT NULL, approval_id bigint NOT NULL, actor text NOT NULL,
  agrees boolean NOT NULL, reason text NOT NULL DEFAULT '', at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (station_id, approval_id, actor), FOREIGN KEY (station_id, approval_id) REFERENCES approval(station_id, id)
);
CREATE TABLE adjustment (                        -- money moved by a person's decision; done after a second one has agreed
  station_id bigint NOT NULL REFERENCES station(id), id bigint GENERATED ALWAYS AS IDENTITY,
  debit_kind text NOT NULL, debit_ref text NOT NULL DEFAULT '', credit_kind text NOT NULL, credit_ref text NOT NULL DEFAULT '',
  amount bigint NOT NULL CHECK (amount > 0), reason text NOT NULL CHECK (length(reason) BETWEEN 2 AND 200),
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting','done','refused')),
  requested_by text NOT NULL, request_key text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), done_at timestamptz,
  PRIMARY KEY (station_id, id), UNIQUE (station_id, request_key)
);

-- ───────────────────────── settlement ─────────────────────────
CREATE TABLE settlement_terms (                  -- row of station 1 = for every station without a row of its own
  station_id bigint PRIMARY KEY REFERENCES station(id),
  release_days int NOT NULL DEFAULT 1 CHECK (release_days BETWEEN 0 AND 90), -- T+n, by the calendar in China
  fee_bp int NOT NULL DEFAULT 0 CHECK (fee_bp BETWEEN 0 AND 5000),           -- of the margin, for the main station's service
  pays_gateway_fee boolean NOT NULL DEFAULT false,                           -- the selling station bears what the gateway kept
  deposit_required bigint NOT NULL DEFAULT 0 CHECK (deposit_required >= 0),
  withdraw_minimum bigint NOT NULL DEFAULT 1000000 CHECK (withdraw_minimum > 0), withdraw_daily_limit bigint NOT NULL DEFAULT 500000000 CHECK (withdraw_daily_limit > 0),
  withdraw_fee bigint NOT NULL DEFAULT 0 CHECK (withdraw_fee >= 0 AND withdraw_fee % 100 = 0), withdraw_fee_bp int NOT NULL DEFAULT 0 CHECK (withdraw_fee_bp BETWEEN 0 AND 1000),
  two_person_above bigint NOT NULL DEFAULT 100000000 CHECK (two_person_above >= 0), -- a withdrawal above it needs two people
  updated_at timestamptz NOT NULL DEFAULT now(), updated_by text NOT NULL DEFAULT 'system'
);
CREATE TABLE settlement (                        -- what one station earns of one order, and when it may take it out
  station_id bigint NOT NULL REFERENCES station(id), id bigint GENERATED ALWAYS AS IDENTITY,
  order_station_id bigint NOT NULL, order_id bigint NOT NULL, -- the sale, perhaps of a station below
  margin bigint NOT NULL,                        -- from the order's snapshot, all pieces
  returned bigint NOT NULL DEFAULT 0,            -- of it given back with refunds
  fee_bp int NOT NULL DEFAULT 0, fee bigint NOT NULL DEFAULT 0, gateway_fee bigint NOT NULL DEFAULT 0, -- kept at the release
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending','released')),
  created_at timestamptz NOT NULL DEFAULT now(), due_at timestamptz NOT NULL, released_at timestamptz,
  PRIMARY KEY (station_id, id), UNIQUE (station_id, order_station_id, order_id),
  FOREIGN KEY (order_station_id, order_id) REFERENCES orders(station_id, id)
);
CREATE INDEX settlement_due ON settlement(due_at) WHERE state = 'pending';
CREATE INDEX settlement_order ON settlement(order_station_id, order_id);
CREATE TABLE withdrawal (
  station_id bigint NOT NULL REFERENCES station(id), id bigint GENERATED ALWAYS AS IDENTITY,
  withdrawal_no text NOT NULL,                   -- W + YYMM + 12 random digits: the number told to whoever pays it out
  amount bigint NOT NULL CHECK (amount > 0 AND amount % 100 = 0), fee bigint NOT NULL CHECK (fee >= 0 AND fee % 100 = 0 AND fee < amount),
  payee_kind text NOT NULL CHECK (payee_kind IN ('alipay','wechat','bank')), payee jsonb NOT NULL, -- {account, name, bank}
  state text NOT NULL DEFAULT 'created' CHECK (state IN ('created','sent','succeeded','declined','unknown')),
  approved_at timestamptz,                       -- by as many people as it takes; nothing is sent before
  plugin_id text NOT NULL DEFAULT '', account text NOT NULL DEFAULT '', -- who paid it out; '' = a person
  provider_ref text NOT NULL DEFAULT '', message text NOT NULL DEFAULT '', tries int NOT NULL DEFAULT 0, next_try_at timestamptz,
  reason text NOT NULL DEFAULT '',               -- why it came to nothing, for the station to read
  proof_type text NOT NULL DEFAULT '', proof bytea CHECK (length(proof) <= 3145728),
  requested_by text NOT NULL, request_key text NOT NULL, done_by text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(), sent_at timestamptz, done_at timestamptz,
  PRIMARY KEY (station_id, id), UNIQUE (station_id, withdrawal_no), UNIQUE (station_id, request_key)
);
CREATE INDEX withdrawal_open ON withdrawal(next_try_at) WHERE state IN ('created','sent','unknown');

-- ───────────────────────── bonus on top-ups ─────────────────────────
CREATE TABLE bonus_rule (                        -- 充值赠送: the best rule that fits counts, one for each top-up
  station_id bigint NOT NULL REFERENCES station(id), id bigint GENERATED ALWAYS AS IDENTITY,
  minimum bigint NOT NULL CHECK (minimum > 0), kind text NOT NULL CHECK (kind IN ('fixed','percent')),
  value bigint NOT NULL CHECK (value > 0),       -- fixed: amount; percent: basis points
  cap bigint CHECK (cap > 0), first_only boolean NOT NULL DEFAULT false, -- only a member's first top-up
  starts_at timestamptz, ends_at timestamptz, active boolean NOT NULL DEFAULT true, note text NOT NULL DEFAULT '',
  created_by text NOT NULL DEFAULT 'system', created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (station_id, id), CHECK (kind = 'fixed' OR value <= 10000)
);
CREATE TABLE bonus_grant (                       -- what a top-up got, or why it got nothing
  station_id bigint NOT NULL REFERENCES station(id), attempt_id bigint NOT NULL, rule_id bigint NOT NULL, member_id bigint NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0), state text NOT NULL CHECK (state IN ('granted','no_funds')), at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (station_id, attempt_id), FOREIGN KEY (station_id, attempt_id) REFERENCES payment_attempt(station_id, id)
);

-- ───────────────────────── bills of the gateways ─────────────────────────
CREATE TABLE bill (                              -- one day at one account, as the gateway tells it
  station_id bigint NOT NULL REFERENCES station(id), id bigint GENERATED ALWAYS AS IDENTITY, -- whose account
  plugin_id text NOT NULL, account text NOT NULL DEFAULT '', day date NOT NULL,
  state text NOT NULL DEFAULT 'due' CHECK (state IN ('due','fetched','compared')),
  lines int NOT NULL DEFAULT 0, collected bigint NOT NULL DEFAULT 0, refunded bigint NOT NULL DEFAULT 0, fee bigint NOT NULL DEFAULT 0,
  fee_posted bigint NOT NULL DEFAULT 0,          -- what the books took over of the difference between the bill's fees and the expected ones
  message text NOT NULL DEFAULT '', tries int NOT NULL DEFAULT 0, next_try_at timestamptz DEFAULT now(), fetched_at timestamptz, compared_at timestamptz,
  PRIMARY KEY (station_id, id), UNIQUE (station_id, plugin_id, account, day)
);
CREATE INDEX bill_due ON bill(next_try_at) WHERE state <> 'compared';
CREATE TABLE bill_line (
  station_id bigint NOT NULL, bill_id bigint NOT NULL, n int NOT NULL,
  kind text NOT NULL CHECK (kind IN ('payment','refund')), attempt_no text NOT NULL, provider_ref text NOT NULL DEFAULT '',
  refund_no text NOT NULL DEFAULT '', refund_ref text NOT NULL DEFAULT '', amount bigint NOT NULL, fee bigint, done boolean NOT NULL, at timestamptz NOT NULL,
  PRIMARY KEY (station_id, bill_id, n), FOREIGN KEY (station_id, bill_id) REFERENCES bill(station_id, id)
);
CREATE TABLE bill_difference (                   -- the worklist of reconciliation
  station_id bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, bill_id bigint NOT NULL,
  class text NOT NULL CHECK (class IN ('ours_only','theirs_only','amount','state')), kind text NOT NULL CHECK (kind IN ('payment','refund')),
  key text NOT NULL,                             -- attempt or refund number, with the payment's reference when there are several
  seller_id bigint, attempt_id bigint, refund_id bigint, -- ours, when there is one
  ours bigint, theirs bigint, detail jsonb NOT NULL DEFAULT '{}',
  posted bigint NOT NULL DEFAULT 0, posted_for text NOT NULL DEFAULT '', -- to the account of differences, and who asked for it
  asked_as text NOT NULL DEFAULT '',             -- subject of the approval of that
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open','resolved')), resolution text NOT NULL DEFAULT '', note text NOT NULL DEFAULT '',
  opened_at timestamptz NOT NULL DEFAULT now(), resolved_at timestamptz, resolved_by text NOT NULL DEFAULT '',
  PRIMARY KEY (station_id, id), UNIQUE (station_id, bill_id, class, kind, key),
  FOREIGN KEY (station_id, bill_id) REFERENCES bill(station_id, id)
);

CREATE INDEX bill_line_payment ON bill_line(station_id, attempt_no);
CREATE INDEX bill_line_refund ON bill_line(station_id, refund_no) WHERE refund_no <> '';
CREATE INDEX bill_difference_open ON bill_difference(opened_at) WHERE state = 'open';

-- What was sold before this step is released like the rest. An owner that is no superuser is behind the walls too.
ALTER TABLE orders NO FORCE ROW LEVEL SECURITY;
ALTER TABLE order_cost NO FORCE ROW LEVEL SECURITY;
INSERT INTO settlement(station_id, order_station_id, order_id, margin, created_at, due_at)
  SELECT u.party, o.station_id, o.id, u.margin * o.quantity, o.delivered_at,
         (date_trunc('day', o.delivered_at AT TIME ZONE 'Asia/Shanghai') + interval '1 day') AT TIME ZONE 'Asia/Shanghai'
    FROM orders o JOIN order_cost oc ON oc.station_id = o.station_id AND oc.order_id = o.id CROSS JOIN LATERAL unnest(oc.parties, oc.margins) AS u(party, margin)
   WHERE o.state IN ('delivered', 'completed') AND u.party <> 1 AND u.margin <> 0;
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
ALTER TABLE order_cost FORCE ROW LEVEL SECURITY;

-- ───────────────────────── walls ─────────────────────────
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['payment_account','payment_proof','approval','approval_vote','adjustment','settlement_terms','settlement','withdrawal',
    'bonus_rule','bonus_grant','bill','bill_line','bill_difference']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY main_all ON %I TO kameng_main USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY guard_all ON %I TO kameng_guard USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY readonly_all ON %I FOR SELECT TO kameng_readonly USING (true)', t);
    EXECUTE format($p$CREATE POLICY station_own ON %I TO kameng_app
      USING (station_id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint))
      WITH CHECK (station_id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint))$p$, t);
  END LOOP;
END $$;
-- A station's pages read their own; the terms of the main station (they are everybody's default) come by a function.
GRANT SELECT ON payment_account, payment_proof, settlement_terms, settlement, bonus_rule, bonus_grant TO kameng_app;
GRANT SELECT (station_id, id, withdrawal_no, amount, fee, payee_kind, payee, state, approved_at, provider_ref, reason, proof_type, requested_by, request_key, created_at, sent_at, done_at) ON withdrawal TO kameng_app;
GRANT INSERT ON payment_proof TO kameng_app;
GRANT INSERT, UPDATE, DELETE ON bonus_rule TO kameng_app;
GRANT UPDATE (cashier) ON payment_attempt TO kameng_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON payment_account TO kameng_main;
GRANT DELETE ON station_plugin TO kameng_main;
GRANT SELECT, INSERT, UPDATE ON settlement_terms, bonus_rule TO kameng_main;
GRANT SELECT, INSERT ON bill, bill_line TO kameng_main;
GRANT SELECT ON bill_difference TO kameng_main;
GRANT UPDATE (state, lines, collected, refunded, fee, message, tries, next_try_at, fetched_at) ON bill TO kameng_main; -- what touches the books goes by functions
GRANT SELECT ON payment_proof, approval, approval_vote, adjustment, settlement, withdrawal, bonus_grant, ledger_seal TO kameng_main;
GRANT DELETE ON bonus_rule, settlement_terms TO kameng_main;
GRANT SELECT ON settlement, ledger_seal TO kameng_readonly;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO kameng_guard;
GRANT INSERT, UPDATE ON approval, adjustment, settlement, withdrawal, ledger_seal TO kameng_guard;
GRANT INSERT, UPDATE ON bill_difference TO kameng_guard;
GRANT UPDATE ON bill TO kameng_guard;
GRANT INSERT ON approval_vote, bonus_grant, settlement_terms TO kameng_guard;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO kameng_app, kameng_main, kameng_guard;

-- Builtin roles of installations that exist already get the rights that came with this step.
UPDATE role SET permissions = permissions || ARRAY['settlement.view','settlement.manage','withdrawal.view','withdrawal.pay','approval.vote']
 WHERE station_id = 1 AND builtin AND code = 'finance' AND NOT permissions @> ARRAY['settlement.view'];
