-- Reconciliation: our mirrors held against the records that other systems keep. All times are business time.

-- Up to where the feed was looked through for mirrors that moved.
create table mirror_place (
  tenant_id uuid not null,
  position bigint not null,
  primary key (tenant_id)
);

-- When each mirror is to be compared next.
create table mirror_check (
  tenant_id uuid not null,
  ledger_id uuid not null,
  asset text not null,
  due_at timestamptz not null,
  -- Null before the first time.
  checked_at timestamptz,
  primary key (tenant_id, ledger_id)
);
create index mirror_check_by_time on mirror_check (tenant_id, due_at);

-- What was not the same.
create table mirror_difference (
  tenant_id uuid not null,
  difference_id uuid not null,
  ledger_id uuid not null,
  member_id uuid not null,
  asset text not null,
  -- What was available in our mirror, and in the record, when it was seen last.
  mirror bigint not null,
  record bigint not null,
  -- The mirror's, then.
  version bigint not null,
  first_seen_at timestamptz not null,
  -- When it was seen a second time with nothing on its way: until then it is nobody's business.
  confirmed_at timestamptz,
  settled_at timestamptz,
  settled_by text check (settled_by in ('AGREED', 'ADOPTED')),
  check ((settled_at is null) = (settled_by is null)),
  primary key (tenant_id, difference_id)
);
create unique index mirror_difference_open on mirror_difference (tenant_id, ledger_id) where settled_at is null;
create index mirror_difference_by_day on mirror_difference (tenant_id, confirmed_at);

alter table mirror_place enable row level security;
alter table mirror_place force row level security;
create policy own_tenant on mirror_place
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table mirror_check enable row level security;
alter table mirror_check force row level security;
create policy own_tenant on mirror_check
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table mirror_difference enable row level security;
alter table mirror_difference force row level security;
create policy own_tenant on mirror_difference
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
