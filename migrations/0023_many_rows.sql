-- What is written many rows at a time, cheaper by the row.

-- The setting is looked up once a statement, not once a row.
alter policy own_tenant on idempotency
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter policy own_tenant on operation
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter policy own_tenant on entry
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter policy own_tenant on lot
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter policy own_tenant on activity
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter policy own_tenant on metric_day
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter policy own_tenant on feed_event
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
alter policy own_tenant on extension_call
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));

-- A foreign key asks for its member once a row: half of what an activity cost. Members are never deleted, and who
-- writes these rows has read or written the member in the same transaction; `membergraph audit` looks at all of them.
alter table activity drop constraint activity_tenant_id_member_id_fkey;
alter table ledger drop constraint ledger_tenant_id_member_id_fkey;
alter table member_identity drop constraint member_identity_tenant_id_member_id_fkey;
alter table member_tier drop constraint member_tier_tenant_id_member_id_fkey;
