-- The limit of an order: bare tables with eleven indexes, one call, no checks, no balances, no walls.
CREATE TABLE bare_order (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_no text NOT NULL UNIQUE, buyer_id bigint NOT NULL,
  product_id int NOT NULL, price bigint NOT NULL, state smallint NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON bare_order(buyer_id, id);
CREATE INDEX ON bare_order(product_id, created_at);
CREATE INDEX ON bare_order(created_at);
CREATE TABLE bare_card (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, product_id int NOT NULL, status smallint NOT NULL DEFAULT 0,
  order_id bigint, content bytea NOT NULL) WITH (fillfactor = 80);
CREATE INDEX ON bare_card(product_id, id) WHERE status = 0;
CREATE INDEX ON bare_card(order_id) WHERE order_id IS NOT NULL;
CREATE TABLE bare_line (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id bigint NOT NULL, account_id bigint NOT NULL,
  amount bigint NOT NULL, kind text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON bare_line(account_id, id);
CREATE INDEX ON bare_line(order_id);

CREATE FUNCTION bare_cards(p_count int) RETURNS void LANGUAGE sql AS
$$ INSERT INTO bare_card(product_id, content) SELECT n % 100 + 1, decode(repeat(md5(n::text), 2), 'hex') FROM generate_series(1, p_count) n $$;

CREATE FUNCTION bare_buy(p_buyer bigint, p_product int, p_order_no text) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE v_card bigint; v_order bigint; v_content bytea;
BEGIN
  SELECT id, content INTO v_card, v_content FROM bare_card WHERE product_id = p_product AND status = 0 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RAISE EXCEPTION 'no cards are left of product %', p_product; END IF;
  INSERT INTO bare_order(order_no, buyer_id, product_id, price, state) VALUES (p_order_no, p_buyer, p_product, 100000, 2) RETURNING id INTO v_order;
  UPDATE bare_card SET status = 2, order_id = v_order WHERE id = v_card;
  INSERT INTO bare_line(order_id, account_id, amount, kind)
    VALUES (v_order, p_buyer, -100000, 'pay'), (v_order, 1, 80000, 'cost'), (v_order, 2, 15000, 'margin'), (v_order, 3, 5000, 'margin');
  RETURN v_content;
END $$;
