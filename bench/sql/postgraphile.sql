-- What a skilled user of PostGraphile would add for the documents, beside smart tags: computed columns for what
-- has a condition that GraphQL cannot say, and a function where one mutation writes several tables.
-- What returns a set of one row does so because PostgreSQL inlines such functions into the statement.

create type expiring_amount as (amount bigint, expires_at timestamptz);

create function ledger_expiring(l ledger, within interval) returns setof expiring_amount
language sql stable as $$
  select sum(remaining)::bigint, expires_at from open_lot
   where open_lot.tenant_id = l.tenant_id and open_lot.ledger_id = l.ledger_id
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

-- The steps of the primary ladder, in a table instead of a definition's JSON; under the same row-level security.
create table tier_step (
  tenant_id uuid not null,
  ladder text not null,
  tier text not null,
  rank integer not null,
  name text not null,
  threshold bigint not null,
  keeps bigint not null,
  metric text not null,
  window_days integer not null,
  time_zone text not null,
  primary key (tenant_id, ladder, tier),
  unique (tenant_id, ladder, rank)
);
insert into tier_step
select p.tenant_id, l ->> 'code', t ->> 'code', place, t -> 'name' ->> 'en', (t ->> 'threshold')::bigint,
       ((t ->> 'threshold')::bigint * (l -> 'retention' ->> 'percent')::bigint + 99) / 100, l ->> 'metric',
       (l ->> 'windowDays')::integer, p.definition ->> 'timeZone'
  from tenant
  join program p on p.tenant_id = tenant.tenant_id and p.version = tenant.program_version
 cross join lateral (select p.definition -> 'ladders' -> 0 as l) ladders
 cross join lateral jsonb_array_elements(l -> 'tiers') with ordinality as tiers (t, place);
analyze tier_step;
alter table tier_step enable row level security;
create policy own_tenant on tier_step
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant select on tier_step to public;

create function member_held_tier(m member) returns setof tier_step
language sql stable rows 1 as $$
  select s.* from member_tier t join tier_step s using (tenant_id, ladder, tier)
   where t.tenant_id = m.tenant_id and t.member_id = m.member_id
$$;

create type tier_status as (
  since timestamptz, until timestamptz, metric text, current bigint, next_tier text, next_name text,
  required bigint, remaining bigint, keeps bigint, keeps_remaining bigint, at_risk boolean
);

-- As the program's ladder has it: a rolling window, and no months between falling below and the review's step.
create function member_tier_status(m member) returns setof tier_status
language sql stable rows 1 as $$
  select t.since,
         case when t.hand is not null then t.hand_until
              when own.threshold = 0 or c.current >= own.keeps then null
              else coalesce((coalesce(t.warned_at, t.below_since) at time zone own.time_zone)::date,
                            (now() at time zone own.time_zone)::date + 1)::timestamp
                   at time zone own.time_zone end,
         own.metric, c.current, next.tier, next.name, next.threshold,
         greatest(next.threshold - c.current, 0), kept.keeps, greatest(kept.keeps - c.current, 0),
         c.current < kept.keeps and not (t.hand is not distinct from 'RAISED' and t.hand_until is null)
    from member_tier t
    join tier_step own using (tenant_id, ladder, tier)
    left join tier_step next
      on next.tenant_id = own.tenant_id and next.ladder = own.ladder and next.rank = own.rank + 1
   cross join lateral (
     select coalesce(sum(d.amount), 0)::bigint as current from metric_day d
      where d.tenant_id = m.tenant_id and d.member_id = m.member_id and d.metric = own.metric
        and d.day > (now() at time zone own.time_zone)::date - own.window_days
        and d.day <= (now() at time zone own.time_zone)::date) c
   cross join lateral (select case when own.threshold > 0 then own.keeps end as keeps) kept
   where t.tenant_id = m.tenant_id and t.member_id = m.member_id
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
  operation_key uuid := request_key(idempotency_key);
  lot_key uuid := uuidv7();
  account ledger;
  place bigint;
  written entry;
begin
  select l.* into account
    from ledger l join member m on m.tenant_id = l.tenant_id and m.member_id = l.member_id
   where l.tenant_id = tenant and l.member_id = member_id and l.asset = asset and m.status = 'ACTIVE'
     for update of l;
  if not found then raise exception 'there is no such active member with such a ledger'; end if;
  insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at, expires_at, matured_at)
  values (tenant, account.ledger_id, lot_key, operation_key, amount, now, expires, now);
  insert into open_lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, lost, pending, available_at,
                        expires_at)
  values (tenant, account.ledger_id, lot_key, operation_key, amount, amount, 0, 0, false, now, expires);
  update tenant_feed set position = position + 1 where tenant_id = tenant returning position into place;
  update ledger l set posted = l.posted + amount, version = l.version + 1, feed_position = place,
                      recorded_at = now, settle_at = least(l.settle_at, expires)
   where l.tenant_id = tenant and l.ledger_id = account.ledger_id;
  insert into stored_entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_after, pending_after,
                            held_after, feed_position, reason, available_at, expires_at, occurred_at, account,
                            program_version, reference_type, reference_id, input_hash)
  select tenant, account.ledger_id, account.version + 1, operation_key, 'EARN', amount, account.posted + amount,
         nullif(account.pending, 0), nullif(account.held, 0), place, reason, now, expires, now, 'I',
         t.program_version, reference_type, reference_id, request_hash
    from tenant t where t.tenant_id = tenant;
  select e.* into written from entry e
   where e.tenant_id = tenant and e.ledger_id = account.ledger_id and e.version = account.version + 1;
  perform bind_to_operations(tenant, array[operation_key]);
  return written;
end
$$;
