-- What tenants configured of the operator's plugins. Setting it anew adds a version; none ever changes.

create table plugin_configuration (
  tenant_id uuid not null,
  plugin text not null,
  version integer not null check (version > 0),
  -- As it was given; null = the plugin's defaults again.
  configuration jsonb,
  made_at timestamptz not null,
  made_by text not null,
  primary key (tenant_id, plugin, version)
);

alter table plugin_configuration enable row level security;
alter table plugin_configuration force row level security;
create policy own_tenant on plugin_configuration
  using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
