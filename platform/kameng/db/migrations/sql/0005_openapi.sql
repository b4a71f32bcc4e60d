-- Step 0005: the open API. Keys of members, what programs buy, requests for money back, docking dialects, webhooks.

-- ───────────────────────── keys ─────────────────────────
CREATE TABLE api_key (                           -- belongs to one member and works on its station's hosts only
  station_id bigint NOT NULL REFERENCES station(id), id bigint GENERATED ALWAYS AS IDENTITY,
  member_id bigint NOT NULL,
  key_id text NOT NULL CHECK (key_id ~ '^(KM[a-z0-9]{16}|[1-9][0-9]{7,11})$'), -- dialects know account numbers only
  dialect text NOT NULL DEFAULT 'native' CHECK (dialect IN ('native','acg-shared','dujiao-next','kasushou','kakayun')),
  mode text NOT NULL DEFAULT 'live' CHECK (mode IN ('live','sandbox')), -- sandbox: everything answers, nothing is sold
  name text NOT NULL, scopes text[] NOT NULL,
  networks text[] NOT NULL DEFAULT '{}',         -- CIDR; empty: from anywhere
  per_minute int NOT NULL DEFAULT 600 CHECK (per_minute BETWEEN 1 AND 1000000),
  callback_url text NOT NULL DEFAULT '',         -- where a dialect sends notices when an order names no address
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active','revoked')),
  created_by text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), revoked_at timestamptz,
  last_used_at timestamptz, last_ip text NOT NULL DEFAULT '',
  PRIMARY KEY (station_id, id), UNIQUE (station_id, key_id),
  FOREIGN KEY (station_id, member_id) REFERENCES member(station_id, id)
);
CREATE INDEX api_key_member ON api_key(station_id, member_id);
CREATE TABLE api_secret (                        -- at most two are live: the new one is in use before the old one goes
  station_id bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, api_key_id bigint NOT NULL,
  sealed bytea NOT NULL, hint text NOT NULL,     -- its last four characters, to tell the two apart
  state text NOT NULL DEFAULT 'live' CHECK (state IN ('live','revoked')),
  created_at timestamptz NOT NULL DEFAULT now(), revoked_at timestamptz,
  PRIMARY KEY (station_id, id), FOREIGN KEY (station_id, api_key_id) REFERENCES api_key(station_id, id)
);
CREATE INDEX api_secret_key ON api_secret(station_id, api_key_id) WHERE state = 'live';
CREATE TABLE dock_switch (                       -- what a station lets programs speak; without a row the default counts
  station_id bigint NOT NULL REFERENCES station(id), dialect text NOT NULL CHECK (dialect IN ('native','acg-shared','dujiao-next','kasushou','kakayun')),
  enabled boolean NOT NULL, changed_by text NOT NULL, changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (station_id, dialect)
);

-- ───────────────────────── what programs buy ─────────────────────────
CREATE TABLE order_notify (                      -- where the buyer's program wants to hear of one order
  station_id bigint NOT NULL, order_id bigint NOT NULL, api_key_id bigint NOT NULL, url text NOT NULL,
  PRIMARY KEY (station_id, order_id), FOREIGN KEY (station_id, order_id) REFERENCES orders(station_id, id),
  FOREIGN KEY (station_id, api_key_id) REFERENCES api_key(station_id, id)
);
ALTER INDEX refund_request RENAME TO refund_by_request; -- a table takes the name
CREATE TABLE refund_request (                    -- a member asks for money back; staff decides
  station_id bigint NOT NULL REFERENCES station(id), id bigint GENERATED ALWAYS AS IDENTITY,
  request_no text NOT NULL, request_hash bytea NOT NULL DEFAULT '', -- the member's own number, and what it was given for
  order_id bigint NOT NULL, member_id bigint NOT NULL, api_key_id bigint,
  amount bigint NOT NULL CHECK (amount > 0 AND amount % 100 = 0), reason text NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open','accepted','declined','withdrawn')),
  answer text NOT NULL DEFAULT '', refund_no text NOT NULL DEFAULT '', decided_by text NOT NULL DEFAULT '', decided_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (station_id, id), UNIQUE (station_id, member_id, request_no),
  FOREIGN KEY (station_id, order_id) REFERENCES orders(station_id, id), FOREIGN KEY (station_id, member_id) REFERENCES member(station_id, id),
  FOREIGN KEY (station_id, api_key_id) REFERENCES api_key(station_id, id)
);
CREATE UNIQUE INDEX refund_request_open ON refund_request(station_id, order_id) WHERE state = 'open';
CREATE INDEX refund_request_order ON refund_request(station_id, order_id);
CREATE INDEX refund_request_waiting ON refund_request(created_at) WHERE state = 'open';
CREATE TABLE sandbox_order (                     -- what a sandbox key has "bought": no goods, no money; its state follows from its age
  station_id bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, api_key_id bigint NOT NULL,
  order_no text NOT NULL, merchant_order_no text NOT NULL, request_hash bytea NOT NULL,
  sku_id bigint NOT NULL REFERENCES sku(id), quantity int NOT NULL CHECK (quantity > 0),
  unit_price bigint NOT NULL, payable bigint NOT NULL, inputs jsonb NOT NULL DEFAULT '{}', notify_url text NOT NULL DEFAULT '',
  announced text NOT NULL DEFAULT 'paid' CHECK (announced IN ('paid','delivered','refunded')), -- what webhooks have told so far
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (station_id, id), UNIQUE (station_id, order_no), UNIQUE (station_id, api_key_id, merchant_order_no),
  FOREIGN KEY (station_id, api_key_id) REFERENCES api_key(station_id, id)
);
CREATE INDEX sandbox_order_key ON sandbox_order(station_id, api_key_id, id);
CREATE INDEX sandbox_order_untold ON sandbox_order(created_at) WHERE announced = 'paid' AND merchant_order_no NOT LIKE '%-hold';
CREATE INDEX sandbox_order_age ON sandbox_order(created_at);
CREATE TABLE sandbox_refund (                    -- a request of a sandbox key for "money" back; decided by its age
  station_id bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, sandbox_order_id bigint NOT NULL,
  request_no text NOT NULL, request_hash bytea NOT NULL, amount bigint NOT NULL CHECK (amount > 0), reason text NOT NULL,
  announced boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (station_id, id), UNIQUE (station_id, sandbox_order_id, request_no),
  FOREIGN KEY (station_id, sandbox_order_id) REFERENCES sandbox_order(station_id, id) ON DELETE CASCADE
);
CREATE INDEX sandbox_refund_untold ON sandbox_refund(created_at) WHERE NOT announced;

-- ───────────────────────── webhooks ─────────────────────────
CREATE TABLE webhook_endpoint (
  station_id bigint NOT NULL REFERENCES station(id), id bigint GENERATED ALWAYS AS IDENTITY, member_id bigint NOT NULL,
  url text NOT NULL, about text NOT NULL DEFAULT '', events text[] NOT NULL, -- empty: all
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active','paused','gone','removed')), -- gone: it answered 410, or failed for days
  reason text NOT NULL DEFAULT '',
  sealed bytea NOT NULL, sealed_old bytea, old_until timestamptz, -- after a rotation both sign until then
  created_at timestamptz NOT NULL DEFAULT now(), last_ok_at timestamptz, failing_since timestamptz,
  PRIMARY KEY (station_id, id), FOREIGN KEY (station_id, member_id) REFERENCES member(station_id, id)
);
CREATE INDEX webhook_endpoint_member ON webhook_endpoint(station_id, member_id) WHERE state <> 'removed';
CREATE TABLE webhook_message (                   -- something has happened; the same to every endpoint
  station_id bigint NOT NULL REFERENCES station(id), id bigint GENERATED ALWAYS AS IDENTITY,
  message_no text NOT NULL, source text NOT NULL, -- source: what it was made of, so that it is made once
  member_id bigint NOT NULL, event text NOT NULL, order_id bigint, payload jsonb NOT NULL, -- no codes of cards
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (station_id, id), UNIQUE (station_id, message_no), UNIQUE (station_id, source)
);
CREATE INDEX webhook_message_member ON webhook_message(station_id, member_id, id);
CREATE TABLE webhook_delivery (                  -- one message to one endpoint, or to the address that an order named
  station_id bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, message_id bigint NOT NULL,
  endpoint_id bigint, api_key_id bigint, format text NOT NULL DEFAULT 'standard', url text NOT NULL,
  state text NOT NULL DEFAULT 'due' CHECK (state IN ('due','delivered','failed','dropped')),
  tries int NOT NULL DEFAULT 0, next_try_at timestamptz DEFAULT now(), replayed_by text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(), done_at timestamptz,
  PRIMARY KEY (station_id, id), FOREIGN KEY (station_id, message_id) REFERENCES webhook_message(station_id, id),
  FOREIGN KEY (station_id, endpoint_id) REFERENCES webhook_endpoint(station_id, id),
  FOREIGN KEY (station_id, api_key_id) REFERENCES api_key(station_id, id), CHECK ((endpoint_id IS NULL) <> (api_key_id IS NULL))
);
CREATE INDEX webhook_delivery_due ON webhook_delivery(next_try_at) WHERE state = 'due';
CREATE INDEX webhook_delivery_message ON webhook_delivery(station_id, message_id);
CREATE INDEX webhook_delivery_endpoint ON webhook_delivery(station_id, endpoint_id, id);
CREATE TABLE webhook_try (
  station_id bigint NOT NULL, id bigint GENERATED ALWAYS AS IDENTITY, delivery_id bigint NOT NULL,
  at timestamptz NOT NULL DEFAULT now(), status int NOT NULL, elapsed_ms int NOT NULL, answer text NOT NULL DEFAULT '', -- status 0: no answer
  PRIMARY KEY (station_id, id), FOREIGN KEY (station_id, delivery_id) REFERENCES webhook_delivery(station_id, id)
);
CREATE INDEX webhook_try_delivery ON webhook_try(station_id, delivery_id, id);

-- ───────────────────────── the hot path (ADR 0019) ─────────────────────────
-- Every sale of a station would lock its row, its SKU's and its member's for their foreign keys. These parents cannot go away, since no
-- role may delete them, and guarded functions alone write the children, from the parent's row.
DO $$
DECLARE r record;
BEGIN
  FOR r IN SELECT conrelid::regclass AS t, conname FROM pg_constraint WHERE contype = 'f'
     AND conrelid IN ('orders'::regclass, 'order_cost'::regclass, 'order_event'::regclass, 'payment_attempt'::regclass, 'outbox'::regclass, 'risk_decision'::regclass, 'settlement'::regclass) LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', r.t, r.conname);
  END LOOP;
END $$;
ALTER TABLE card DROP CONSTRAINT card_station_id_order_id_fkey;
REVOKE DELETE ON sku, product FROM kameng_main; -- goods go off sale; nothing deletes them
CREATE INDEX webhook_delivery_done ON webhook_delivery(done_at) WHERE done_at IS NOT NULL;

-- ───────────────────────── walls and rights ─────────────────────────
DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['api_key','api_secret','dock_switch','order_notify','refund_request','sandbox_order','sandbox_refund','webhook_endpoint','webhook_message','webhook_delivery','webhook_try']
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
GRANT SELECT ON api_key, api_secret, dock_switch, order_notify, refund_request, sandbox_order, sandbox_refund, webhook_endpoint, webhook_message, webhook_delivery, webhook_try TO kameng_app, kameng_main;
GRANT INSERT ON api_key, api_secret, dock_switch, sandbox_order, sandbox_refund, webhook_endpoint, webhook_message, webhook_delivery, webhook_try TO kameng_app, kameng_main;
GRANT UPDATE (name, networks, callback_url, state, revoked_at, last_used_at, last_ip) ON api_key TO kameng_app;
GRANT UPDATE (name, networks, callback_url, per_minute, state, revoked_at, last_used_at, last_ip) ON api_key TO kameng_main;
GRANT UPDATE (state, revoked_at) ON api_secret TO kameng_app;
GRANT UPDATE (state, revoked_at, sealed) ON api_secret TO kameng_main;
GRANT UPDATE (enabled, changed_by, changed_at) ON dock_switch TO kameng_app, kameng_main;
GRANT UPDATE (announced) ON sandbox_order, sandbox_refund TO kameng_main;
GRANT UPDATE (url, about, events, state, reason, sealed, sealed_old, old_until, last_ok_at, failing_since) ON webhook_endpoint TO kameng_app, kameng_main;
GRANT UPDATE (state, tries, next_try_at, replayed_by, done_at) ON webhook_delivery TO kameng_app, kameng_main;
GRANT DELETE ON webhook_message, webhook_delivery, webhook_try, sandbox_order TO kameng_main; -- kept for a while only
GRANT SELECT ON refund_request, dock_switch TO kameng_readonly;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO kameng_guard;
GRANT INSERT, UPDATE ON order_notify, api_key, refund_request TO kameng_guard;
GRANT INSERT ON risk_decision TO kameng_guard;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO kameng_app, kameng_main, kameng_guard;
UPDATE role SET permissions = permissions || ARRAY['openapi.view','openapi.manage']
 WHERE station_id = 1 AND builtin AND code IN ('operations','risk') AND NOT permissions @> ARRAY['openapi.view'];
UPDATE role SET permissions = permissions || ARRAY['openapi.view']
 WHERE station_id = 1 AND builtin AND code = 'support' AND NOT permissions @> ARRAY['openapi.view'];
