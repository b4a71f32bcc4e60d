\set wallet random(1000001, 1002000)
WITH t AS (INSERT INTO bare_transfer(debit_account, credit_account, amount, kind, txn, leg) VALUES (:wallet, 1000000, 100, 'bench.pay', gen_random_uuid()::text, 1))
UPDATE bare_balance SET balance = balance - 100 WHERE account_id = :wallet;
