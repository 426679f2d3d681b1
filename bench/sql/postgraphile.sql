-- What a skilled user of PostGraphile would add for the two documents, beside smart tags: computed columns
-- for what has a condition that GraphQL cannot say, and a function where one mutation writes several tables.

create type expiring_amount as (amount bigint, expires_at timestamptz);

create function ledger_expiring(l ledger, within interval) returns setof expiring_amount
language sql stable as $$
  select sum(remaining)::bigint, expires_at from lot
   where lot.tenant_id = l.tenant_id and lot.ledger_id = l.ledger_id and remaining > 0
     and expires_at > now() and expires_at <= now() + within
   group by expires_at order by expires_at
$$;

create function member_available_grants(m member) returns setof benefit_grant
language sql stable as $$
  select * from benefit_grant g
   where g.tenant_id = m.tenant_id and g.member_id = m.member_id and revoked_at is null
     and (valid_until is null or valid_until > now()) and (uses_left is null or uses_left > 0)
     and valid_from <= now()
   order by grant_id desc
$$;

create function earn_points(idempotency_key text, member_id uuid, asset text, amount bigint, reason text,
                            reference_type text, reference_id text) returns entry
language plpgsql as $$
#variable_conflict use_variable
declare
  tenant uuid := current_setting('app.tenant_id')::uuid;
  now timestamptz := date_trunc('milliseconds', now());
  expires timestamptz := (date_trunc('month', (now at time zone 'Asia/Shanghai') + interval '12 months')
                          + interval '1 month') at time zone 'Asia/Shanghai';
  request_hash bytea := sha256(convert_to(
    concat_ws(E'\n', 'earnPoints', member_id, asset, amount, reason, reference_type, reference_id), 'UTF8'));
  operation_key uuid := uuidv7();
  account ledger;
  place bigint;
  written entry;
begin
  insert into idempotency (tenant_id, key, mutation, request_hash, result, created_at)
  values (tenant, idempotency_key, 'earnPoints', request_hash,
          jsonb_build_object('operation', operation_key), now);
  select l.* into account
    from ledger l join member m on m.tenant_id = l.tenant_id and m.member_id = l.member_id
   where l.tenant_id = tenant and l.member_id = member_id and l.asset = asset and m.status = 'ACTIVE'
     for update of l;
  if not found then raise exception 'there is no such active member with such a ledger'; end if;
  insert into operation (tenant_id, operation_id, kind, program_version, reason, reference_type, reference_id,
                         ledger_ids, versions, created_at)
  select tenant, operation_key, 'EARN', t.program_version, reason, reference_type, reference_id,
         array[account.ledger_id], array[account.version + 1], now
    from tenant t where t.tenant_id = tenant;
  insert into lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, pending, available_at,
                   expires_at, created_at, matured_at)
  values (tenant, account.ledger_id, uuidv7(), operation_key, amount, amount, false, now, expires, now, now);
  update tenant_feed set position = position + 1 where tenant_id = tenant returning position into place;
  update ledger l set posted = l.posted + amount, version = l.version + 1, feed_position = place,
                      recorded_at = now, settle_at = least(l.settle_at, expires)
   where l.tenant_id = tenant and l.ledger_id = account.ledger_id;
  insert into entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_delta, pending_delta,
                     held_delta, posted_after, pending_after, held_after, feed_position, reason, available_at,
                     expires_at, occurred_at, recorded_at)
  values (tenant, account.ledger_id, account.version + 1, operation_key, 'EARN', amount, amount, 0, 0,
          account.posted + amount, account.pending, account.held, place, reason, now, expires, now, now)
  returning * into written;
  return written;
end
$$;
