-- Wallets with money, and bare tables of the same shape for the limit. Accounts: 1 million + n are wallets.
INSERT INTO account(id, station_id, kind, ref) OVERRIDING SYSTEM VALUE SELECT 1000000 + n, 1, 'wallet', 'bench' || n FROM generate_series(1, 2000) n;
INSERT INTO account_balance(account_id, station_id, balance) SELECT 1000000 + n, 1, 1000000000000 FROM generate_series(1, 2000) n;
INSERT INTO account(id, station_id, kind, ref) OVERRIDING SYSTEM VALUE VALUES (1000000, 1, 'revenue', 'bench');
CREATE TABLE bare_transfer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, debit_account bigint NOT NULL, credit_account bigint NOT NULL, amount bigint NOT NULL,
  kind text NOT NULL, txn text NOT NULL, leg smallint NOT NULL, at timestamptz NOT NULL DEFAULT now(), UNIQUE (txn, leg));
CREATE INDEX ON bare_transfer(debit_account, id);
CREATE INDEX ON bare_transfer(credit_account, id);
CREATE TABLE bare_balance (account_id bigint PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 30);
INSERT INTO bare_balance SELECT 1000000 + n, 1000000000000 FROM generate_series(1, 2000) n;
