-- What the credits of the bench wrote for the member $1, without ids and moments.
select e.version, e.kind, e.amount, e.posted_delta, e.pending_delta, e.held_delta, e.pending_after,
       e.held_after, e.reason, e.expires_at, e.available_at = e.occurred_at as is_available,
       e.recorded_at = e.occurred_at as is_now,
       e.posted_after = (select sum(posted_delta) from entry s
                          where s.tenant_id = e.tenant_id and s.ledger_id = e.ledger_id
                            and s.version <= e.version)
         as is_sum,
       o.kind as operation, o.program_version, o.reference_type, o.reference_id, o.reason as operation_reason,
       octet_length(o.input_hash) as input_hash_bytes, o.ledger_ids = array[e.ledger_id] and o.versions = array[e.version] as names_entry,
       lot.amount as lot_amount, lot.remaining, lot.held, lot.pending, lot.expires_at as lot_expires_at,
       lot.matured_at is not null as is_matured,
       l.asset, e.account,
       substr(o.operation_id::text, 15, 1) = '8' as is_its_key, l.version as ledger_version,
       l.settle_at = (select min(x.expires_at) from lot x
                       where x.tenant_id = l.tenant_id and x.ledger_id = l.ledger_id and x.remaining > 0)
         as is_settled,
       l.posted = (select sum(remaining) from lot x
                    where x.tenant_id = l.tenant_id and x.ledger_id = l.ledger_id) as is_in_lots
  from ledger l
  join entry e using (tenant_id, ledger_id)
  join operation o using (tenant_id, operation_id)
  join lot on lot.tenant_id = e.tenant_id and lot.ledger_id = e.ledger_id
          and lot.operation_id = e.operation_id
 where l.member_id = $1 and o.reference_type = 'ticket'
 order by e.version
