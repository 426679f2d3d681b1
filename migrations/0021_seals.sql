-- What was said in several calls is sealed together: to seal costs this process more than all else of a call that it
-- writes down. What was sealed before stays as it is.

create table call_seal (
  tenant_id uuid not null,
  seal_id uuid not null,
  -- A list: what was said in each call (JWE).
  contents bytea not null,
  -- The database's own time, as that of its calls.
  recorded_at timestamptz not null,
  primary key (tenant_id, seal_id)
);
create index call_seal_by_age on call_seal (tenant_id, recorded_at);
alter table call_seal alter column contents set statistics 0;
alter table call_seal enable row level security;
alter table call_seal force row level security;
create policy own_tenant on call_seal
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);

alter table extension_call
  add column sealed_in uuid,
  add column place integer,
  alter column contents drop not null,
  add constraint extension_call_sealed
    check (num_nonnulls(contents, sealed_in) = 1 and (sealed_in is null) = (place is null));
