-- Transfers, each by itself.

-- check: transfers_well_formed | 每笔转账两端账户存在、币种一致、金额为正 | transfers
SELECT 'transfer:' || t.id AS subject, 'two accounts of its currency, amount > 0' AS expected,
       t.debit_account || '>' || t.credit_account || ' ' || t.amount AS found
  FROM transfer t LEFT JOIN account d ON d.id = t.debit_account LEFT JOIN account c ON c.id = t.credit_account
 WHERE d.id IS NULL OR c.id IS NULL OR d.currency <> t.currency OR c.currency <> t.currency
    OR t.amount <= 0 OR t.debit_account = t.credit_account

-- check: transfers_unchanged | 每组转账与过账时的指纹一致 | transfers
SELECT 'txn:' || txn AS subject, min(encode(params_hash, 'hex')) AS expected, 'other legs' AS found
  FROM transfer GROUP BY txn
HAVING min(params_hash::text) <> max(params_hash::text) OR min(encode(params_hash, 'hex')) <> encode(sha256(convert_to(string_agg(
       debit_account || '>' || credit_account || ':' || amount || ':' || kind, ';' ORDER BY leg), 'UTF8')), 'hex')

-- check: legs_complete | 每组转账的分录序号不缺 | transfers
SELECT 'txn:' || txn AS subject, max(leg)::text AS expected, count(*)::text AS found
  FROM transfer GROUP BY txn HAVING max(leg) <> count(*) OR min(leg) <> 1
