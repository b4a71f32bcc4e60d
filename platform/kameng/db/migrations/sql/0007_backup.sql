-- Step 0007: what was backed up and tried out, and the time after a restore.

CREATE TABLE backup_run (                        -- one run of `kameng backup now` or `drill`, by a person or by the scheduler
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('backup','drill')), method text NOT NULL CHECK (method IN ('embedded','pgbackrest')),
  label text NOT NULL DEFAULT '',                -- the backup made, or tried out
  state text NOT NULL DEFAULT 'running' CHECK (state IN ('running','succeeded','failed')),
  started_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz,
  bytes bigint NOT NULL DEFAULT 0, detail jsonb NOT NULL DEFAULT '{}', error text NOT NULL DEFAULT ''
);
CREATE INDEX backup_run_kind ON backup_run(kind, id);
CREATE TABLE backup_status (                     -- one row: what lies in the repository, as the watch saw it last
  id int PRIMARY KEY CHECK (id = 1), method text NOT NULL, newest_wal_at timestamptz,
  bases jsonb NOT NULL DEFAULT '[]', seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE recovery (                          -- this database was restored: what has happened outside since is not known in it
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  restored_to timestamptz NOT NULL,              -- the last moment that the database knows of
  source text NOT NULL DEFAULT '',               -- the backup it came from
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active','ended')),
  began_at timestamptz NOT NULL DEFAULT now(), ended_at timestamptz, ended_by text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX recovery_active ON recovery((true)) WHERE state = 'active';
CREATE TABLE recovery_question (                 -- what must be asked outside (payment, purchase, refund, payout, bill), or decided by a person (order)
  id bigint GENERATED ALWAYS AS IDENTITY, recovery_id bigint NOT NULL REFERENCES recovery(id),
  kind text NOT NULL CHECK (kind IN ('payment','purchase','bill','order')),
  station_id bigint NOT NULL, subject_id bigint NOT NULL, number text NOT NULL, -- its number outside; for an order its own
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting','answered')), answer text NOT NULL DEFAULT '',
  tries int NOT NULL DEFAULT 0, asked_at timestamptz, answered_by text NOT NULL DEFAULT '',
  PRIMARY KEY (station_id, id), UNIQUE (recovery_id, kind, station_id, subject_id)
);
CREATE INDEX recovery_question_waiting ON recovery_question(kind, station_id, subject_id) WHERE state = 'waiting';

ALTER TABLE recovery_question ENABLE ROW LEVEL SECURITY;
ALTER TABLE recovery_question FORCE ROW LEVEL SECURITY;
CREATE POLICY main_all ON recovery_question TO kameng_main USING (true) WITH CHECK (true);
CREATE POLICY guard_all ON recovery_question TO kameng_guard USING (true) WITH CHECK (true);
CREATE POLICY readonly_all ON recovery_question FOR SELECT TO kameng_readonly USING (true);
CREATE POLICY station_own ON recovery_question TO kameng_app
  USING (station_id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint))
  WITH CHECK (station_id = (SELECT nullif(current_setting('app.station_id', true), '')::bigint));
GRANT SELECT ON backup_run, backup_status, recovery, recovery_question TO kameng_main, kameng_guard, kameng_readonly;
GRANT INSERT, UPDATE ON recovery, recovery_question TO kameng_guard;
GRANT UPDATE (state, finished_at, error) ON backup_run TO kameng_guard;
GRANT INSERT ON recovery_question TO kameng_main;
GRANT UPDATE (state, answer, tries, asked_at, answered_by) ON recovery_question TO kameng_main;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO kameng_main, kameng_guard;
