-- Extensions: what tenants registered, its revisions, what was changed by whom, and every call.

create table extension (
  tenant_id uuid not null,
  extension_id uuid not null,
  name text not null check (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
  point text not null,
  runtime text not null check (runtime in ('IN_PROCESS', 'WEBHOOK', 'SANDBOX')),
  priority integer not null,
  -- Of the newest revision.
  stage text not null check (stage in ('DRAFT', 'SHADOW', 'CANARY', 'LIVE', 'RETIRED')),
  canary_percent integer not null default 0 check (canary_percent between 0 and 99),
  version integer not null,
  -- What answers whoever the newest revision doesn't, and what was LIVE before that.
  live_version integer,
  fallback_version integer,
  -- The newest revision that has been in SHADOW.
  shadowed_version integer,
  -- When to step back by itself; null = as the product says.
  error_percent integer check (error_percent between 1 and 100),
  latency_ms integer check (latency_ms > 0),
  minimum_calls integer check (minimum_calls between 1 and 100),
  -- What signs the calls of a webhook: JWE.
  secrets bytea,
  -- The database's own time, not the tenant's: failures before it count no longer.
  staged_at timestamptz not null,
  created_at timestamptz not null,
  primary key (tenant_id, extension_id)
);
create unique index extension_by_name on extension (tenant_id, name);
create index extension_by_point on extension (tenant_id, point);

-- One state of an extension's code and settings; never changed.
create table extension_revision (
  tenant_id uuid not null,
  extension_id uuid not null,
  version integer not null,
  point_version integer not null,
  deadline_ms integer not null,
  on_failure text not null check (on_failure in ('FAIL_CLOSED', 'FAIL_OPEN', 'DEFAULT')),
  default_output jsonb,
  posting_limits jsonb,
  filter text,
  url text,
  source text,
  language text check (language in ('JAVASCRIPT', 'TYPESCRIPT')),
  code text,
  digest text,
  plugin text,
  configuration jsonb,
  -- The version whose content this one brought back.
  restores integer,
  made_at timestamptz not null,
  made_by text not null,
  primary key (tenant_id, extension_id, version)
);

-- What was done to an extension, by whom and why; never changed.
create table extension_change (
  tenant_id uuid not null,
  extension_id uuid not null,
  change_id uuid not null,
  kind text not null check (kind in ('REGISTERED', 'UPDATED', 'STAGED', 'ROLLED_BACK', 'STEPPED_BACK', 'SECRET_ROTATED')),
  version integer not null,
  from_stage text,
  to_stage text not null,
  canary_percent integer not null default 0,
  reason text,
  made_by text not null,
  made_at timestamptz not null,
  primary key (tenant_id, extension_id, change_id)
);

-- Every call. What was said is sealed (JWE), since it holds personal data.
create table extension_call (
  tenant_id uuid not null,
  call_id uuid not null,
  extension_id uuid not null,
  version integer not null,
  mode text not null check (mode in ('LIVE', 'CANARY', 'SHADOW', 'TEST', 'DRY_RUN')),
  attempt integer not null,
  outcome text not null check (outcome in ('OK', 'INVALID_INPUT', 'INVALID_OUTPUT', 'TIMEOUT', 'ERROR', 'UNREACHABLE',
                                           'BREAKER_OPEN', 'SKIPPED_BY_FILTER')),
  idempotency_key text not null,
  started_at timestamptz not null,
  duration_ms double precision not null,
  -- In how many places its answer differs from the one that counted; null where they can't be compared.
  differences integer,
  contents bytea not null,
  -- The database's own time, not the tenant's.
  recorded_at timestamptz not null,
  primary key (tenant_id, call_id)
);
-- The newest of an extension, of any modes and outcomes: each pair of those stands in order.
create index extension_call_by_kind on extension_call (tenant_id, extension_id, mode, outcome, recorded_at, call_id);
create index extension_call_by_age on extension_call (tenant_id, recorded_at);

-- Whether new code of this tenant has to be in SHADOW before it counts.
alter table tenant add column require_shadow boolean not null default false;

-- Keys of those who write one extension.
alter table api_key add column extension_id uuid;
alter table api_key drop constraint api_key_role_check;
alter table api_key add constraint api_key_role_check
  check ((role = 'STAFF' and extension_id is null) or (role = 'DEVELOPER' and extension_id is not null));

alter table extension enable row level security;
alter table extension force row level security;
create policy own_tenant on extension
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table extension_revision enable row level security;
alter table extension_revision force row level security;
create policy own_tenant on extension_revision
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table extension_change enable row level security;
alter table extension_change force row level security;
create policy own_tenant on extension_change
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
alter table extension_call enable row level security;
alter table extension_call force row level security;
create policy own_tenant on extension_call
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
