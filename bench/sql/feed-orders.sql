-- Entries for the two other orders of a feed, so that each pays for its own index alone. The sequence gives a call
-- that posts many a range of its own, above all positions of the feed.
create sequence bench_position increment by 1000 start with 1000000000;

create table entry_horizon (like stored_entry including defaults, primary key (tenant_id, ledger_id, version));
alter table entry_horizon add column xid xid8 not null default pg_current_xact_id();
create index entry_horizon_by_feed on entry_horizon (tenant_id, xid, feed_position);
create unique index operation_of_horizon on entry_horizon (tenant_id, operation_id) where program_version is not null;

create table entry_none (like stored_entry including defaults, primary key (tenant_id, ledger_id, version));
create unique index operation_of_none on entry_none (tenant_id, operation_id) where program_version is not null;

-- What `bind_to_operations` looks for, without its lock.
create function bench_look(of_tenant uuid, keys uuid[]) returns void language plpgsql as $$
begin
  if exists (select from unnest(keys) as k (bound)
              cross join lateral (
                select from idempotency where tenant_id = of_tenant and key = k.bound offset 0) as found) then
    raise unique_violation;
  end if;
end $$;

alter table entry_horizon enable row level security;
alter table entry_none enable row level security;
create policy own_tenant on entry_horizon
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy own_tenant on entry_none
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
grant select, insert on entry_horizon, entry_none to public;
grant usage on sequence bench_position to public;
