-- Step 0008: flash sales. A unit is a row made beforehand; who holds it is decided by its row alone.

CREATE TABLE flash_sale (
  station_id bigint NOT NULL REFERENCES station(id), id bigint GENERATED ALWAYS AS IDENTITY,
  sale_no text NOT NULL CHECK (sale_no ~ '^F[0-9]{14}$'), -- what programs and pages call it
  sku_id bigint NOT NULL REFERENCES sku(id),
  price bigint NOT NULL CHECK (price > 0 AND price % 100 = 0), -- whole fen
  units int NOT NULL CHECK (units BETWEEN 1 AND 5000),
  starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
  state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned','running','ended','cancelled')), -- a sale sells by its times; a job writes down that they have come
  refused bigint NOT NULL DEFAULT 0 CHECK (refused >= 0), -- buyers sent away by the gate, as the watch has counted them
  created_by text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), closed_by text NOT NULL DEFAULT '', closed_at timestamptz,
  PRIMARY KEY (station_id, id), UNIQUE (station_id, sale_no)
);
CREATE UNIQUE INDEX flash_sale_open ON flash_sale(station_id, sku_id) WHERE state IN ('planned','running');
CREATE INDEX flash_sale_due ON flash_sale(station_id) WHERE state IN ('planned','running');
CREATE TABLE flash_unit (                        -- one piece of a sale; free while it has no order
  station_id bigint NOT NULL, sale_id bigint NOT NULL, place int NOT NULL,
  order_id bigint, buyer text, taken_at timestamptz, -- buyer as in orders.shopper_key
  PRIMARY KEY (station_id, sale_id, place), FOREIGN KEY (station_id, sale_id) REFERENCES flash_sale(station_id, id),
  CHECK ((order_id IS NULL) = (buyer IS NULL))
);
CREATE UNIQUE INDEX flash_unit_once ON flash_unit(station_id, sale_id, buyer) WHERE buyer IS NOT NULL;
CREATE UNIQUE INDEX flash_unit_order ON flash_unit(station_id, order_id) WHERE order_id IS NOT NULL;
CREATE INDEX flash_unit_free ON flash_unit(station_id, sale_id, place) WHERE order_id IS NULL;
CREATE TABLE flash_order (                       -- an order that was placed in a sale, also when its unit has gone back
  station_id bigint NOT NULL, order_id bigint NOT NULL, sale_id bigint NOT NULL, buyer text NOT NULL,
  PRIMARY KEY (station_id, order_id), FOREIGN KEY (station_id, sale_id) REFERENCES flash_sale(station_id, id)
);
CREATE INDEX flash_order_sale ON flash_order(station_id, sale_id, buyer);

DO $$
DECLARE t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['flash_sale', 'flash_unit', 'flash_order'] LOOP
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
GRANT SELECT ON flash_sale, flash_unit, flash_order TO kameng_app, kameng_main, kameng_guard;
GRANT SELECT ON flash_sale TO kameng_readonly;
GRANT INSERT, UPDATE ON flash_sale, flash_unit TO kameng_guard;
GRANT INSERT ON flash_order TO kameng_guard;
GRANT UPDATE (refused) ON flash_sale TO kameng_main;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO kameng_guard;
