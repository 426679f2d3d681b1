-- The house: tenants and keys, programs, members, ledgers, activities.
--
-- Every key begins with tenant_id, so that the data can be distributed by it. Every table but the
-- directory is under forced row-level security: a statement that runs without app.tenant_id sees no row.
-- Amounts are bigint in the asset's smallest unit; money is bigint in the currency's minor unit.

-- A reference table: which tenant a code means. It holds nothing but that, so it has no row security.
create table tenant_directory (
  tenant_id uuid primary key,
  code text not null unique check (code ~ '^[a-z0-9][a-z0-9_-]{0,63}$')
);

create table tenant (
  tenant_id uuid primary key,
  code text not null,
  name jsonb not null,
  sandbox boolean not null,
  locale text not null,
  clock_offset interval not null default '0',
  program_version integer,
  created_at timestamptz not null
);

-- The one clock: database time, read once a transaction, in milliseconds, plus the tenant's test-clock offset.
create function business_time() returns timestamptz language sql stable as $$
  select date_trunc('milliseconds', now() + clock_offset) from tenant
   where tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
$$;

-- The gapless position of each entry in its tenant, in commit order.
create table tenant_feed (
  tenant_id uuid primary key,
  position bigint not null default 0
);

create table api_key (
  tenant_id uuid not null,
  key_id uuid not null,
  key_hash bytea not null,
  role text not null check (role in ('STAFF')),
  label text not null,
  created_at timestamptz not null,
  revoked_at timestamptz,
  primary key (tenant_id, key_id)
);
create index api_key_by_hash on api_key (key_hash);

create table idempotency (
  tenant_id uuid not null,
  key text not null,
  mutation text not null,
  request_hash bytea not null,
  result jsonb not null,
  created_at timestamptz not null,
  primary key (tenant_id, key)
);

create table program (
  tenant_id uuid not null,
  version integer not null,
  definition jsonb not null,
  applied_at timestamptz not null,
  applied_by text not null,
  primary key (tenant_id, version)
);

create table member (
  tenant_id uuid not null,
  member_id uuid not null,
  status text not null check (status in ('ACTIVE', 'BLOCKED', 'CLOSED', 'MERGED', 'ERASED')),
  display_name text not null,
  gender text check (gender in ('FEMALE', 'MALE', 'OTHER', 'UNDISCLOSED')),
  birthday date,
  locale text,
  region text,
  channel text,
  store text,
  consents jsonb not null,
  attributes jsonb not null,
  tags text[] not null,
  enrolled_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, member_id)
);
create index member_by_enrolment on member (tenant_id, enrolled_at desc, member_id desc);

create table member_identity (
  tenant_id uuid not null,
  kind text not null,
  value text not null,
  member_id uuid not null,
  position smallint not null,
  verified boolean not null,
  primary key (tenant_id, kind, value),
  foreign key (tenant_id, member_id) references member (tenant_id, member_id)
);
create index member_identity_by_member on member_identity (tenant_id, member_id);

-- One member's account in one asset. ledger_id is derived from member and asset, so both lead to it.
-- settle_at: the earliest moment at which time alone changes the balance (a lot falls due or expires).
-- debt: what was taken beyond the lots, where the asset may go negative.
create table ledger (
  tenant_id uuid not null,
  ledger_id uuid not null,
  member_id uuid not null,
  asset text not null,
  posted bigint not null default 0,
  pending bigint not null default 0 check (pending >= 0),
  held bigint not null default 0 check (held >= 0),
  debt bigint not null default 0 check (debt >= 0),
  floor bigint,
  version bigint not null default 0,
  feed_position bigint not null default 0,
  recorded_at timestamptz,
  settle_at timestamptz,
  primary key (tenant_id, ledger_id),
  unique (tenant_id, member_id, asset),
  foreign key (tenant_id, member_id) references member (tenant_id, member_id),
  constraint ledger_never_below_floor check (posted - held >= floor)
);

-- One business act. ledger_ids[i] and versions[i] name the entries that it wrote.
create table operation (
  tenant_id uuid not null,
  operation_id uuid not null,
  kind text not null,
  program_version integer not null,
  activity_id uuid,
  reason text,
  reference_type text,
  reference_id text,
  explanation jsonb,
  ledger_ids uuid[] not null,
  versions bigint[] not null,
  created_at timestamptz not null,
  primary key (tenant_id, operation_id)
);
create index operation_by_activity on operation (tenant_id, activity_id) where activity_id is not null;

create table entry (
  tenant_id uuid not null,
  ledger_id uuid not null,
  version bigint not null,
  operation_id uuid not null,
  kind text not null,
  amount bigint not null,
  posted_delta bigint not null,
  pending_delta bigint not null,
  held_delta bigint not null,
  posted_after bigint not null,
  pending_after bigint not null,
  held_after bigint not null,
  feed_position bigint not null,
  reason text,
  available_at timestamptz,
  expires_at timestamptz,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  primary key (tenant_id, ledger_id, version)
);

-- One earned amount. pending: it still counts in ledger.pending; matured_at: when it ceased to.
create table lot (
  tenant_id uuid not null,
  ledger_id uuid not null,
  lot_id uuid not null,
  operation_id uuid not null,
  amount bigint not null check (amount > 0),
  remaining bigint not null check (remaining >= 0),
  held bigint not null default 0 check (held >= 0 and held <= remaining),
  pending boolean not null,
  available_at timestamptz not null,
  expires_at timestamptz,
  created_at timestamptz not null,
  matured_at timestamptz,
  primary key (tenant_id, ledger_id, lot_id)
);
create index lot_open on lot (tenant_id, ledger_id, expires_at, lot_id) where remaining > 0;
create index lot_maturing on lot (tenant_id, available_at) where pending;
create index lot_expiring on lot (tenant_id, expires_at) where remaining > 0 and expires_at is not null;

-- What an operation took from a lot (a negative amount: what it gave back).
create table allocation (
  tenant_id uuid not null,
  operation_id uuid not null,
  ledger_id uuid not null,
  lot_id uuid not null,
  amount bigint not null,
  recorded_at timestamptz not null,
  primary key (tenant_id, operation_id, ledger_id, lot_id)
);
create index allocation_by_lot on allocation (tenant_id, ledger_id, lot_id);

create table hold (
  tenant_id uuid not null,
  hold_id uuid not null,
  ledger_id uuid not null,
  operation_id uuid not null,
  amount bigint not null check (amount > 0),
  captured bigint not null default 0,
  released bigint not null default 0,
  status text not null check (status in ('ACTIVE', 'CAPTURED', 'RELEASED', 'EXPIRED')),
  expires_at timestamptz,
  created_at timestamptz not null,
  primary key (tenant_id, hold_id),
  check (captured >= 0 and released >= 0 and captured + released <= amount)
);
create index hold_by_ledger on hold (tenant_id, ledger_id, hold_id);

create table activity (
  tenant_id uuid not null,
  activity_id uuid not null,
  member_id uuid not null,
  type text not null,
  amount bigint,
  currency text,
  order_number text,
  order_lines jsonb,
  channel text,
  store text,
  explanations jsonb not null,
  program_version integer not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  primary key (tenant_id, activity_id),
  foreign key (tenant_id, member_id) references member (tenant_id, member_id)
);
create unique index activity_order on activity (tenant_id, type, order_number) where order_number is not null;
create index activity_by_member on activity (tenant_id, member_id, occurred_at desc);

-- A member's copy of a benefit of the program's catalogue.
create table benefit_grant (
  tenant_id uuid not null,
  grant_id uuid not null,
  member_id uuid not null,
  benefit text not null,
  uses_left bigint check (uses_left >= 0),
  valid_from timestamptz not null,
  valid_until timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null,
  primary key (tenant_id, grant_id),
  foreign key (tenant_id, member_id) references member (tenant_id, member_id)
);
create index benefit_grant_by_member on benefit_grant (tenant_id, member_id, grant_id);

alter table tenant enable row level security;
alter table tenant force row level security;
create policy own_tenant on tenant
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table tenant_feed enable row level security;
alter table tenant_feed force row level security;
create policy own_tenant on tenant_feed
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
-- A key is visible in its tenant, and to whoever presents its hash: that is how a caller is recognised.
alter table api_key enable row level security;
alter table api_key force row level security;
create policy own_tenant on api_key
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
create policy presented on api_key for select
  using (key_hash = decode(nullif(current_setting('app.api_key_hash', true), ''), 'hex'));
alter table idempotency enable row level security;
alter table idempotency force row level security;
create policy own_tenant on idempotency
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table program enable row level security;
alter table program force row level security;
create policy own_tenant on program
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table member enable row level security;
alter table member force row level security;
create policy own_tenant on member
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table member_identity enable row level security;
alter table member_identity force row level security;
create policy own_tenant on member_identity
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table ledger enable row level security;
alter table ledger force row level security;
create policy own_tenant on ledger
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table operation enable row level security;
alter table operation force row level security;
create policy own_tenant on operation
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table entry enable row level security;
alter table entry force row level security;
create policy own_tenant on entry
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table lot enable row level security;
alter table lot force row level security;
create policy own_tenant on lot
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table allocation enable row level security;
alter table allocation force row level security;
create policy own_tenant on allocation
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table hold enable row level security;
alter table hold force row level security;
create policy own_tenant on hold
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table activity enable row level security;
alter table activity force row level security;
create policy own_tenant on activity
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table benefit_grant enable row level security;
alter table benefit_grant force row level security;
create policy own_tenant on benefit_grant
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
