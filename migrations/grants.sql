-- What the app role may do, granted again after every migration. "app_role" stands for its name.
-- Entries, allocations, operations, activities and stored results are never changed once written.
grant usage on schema public to app_role;
grant select, insert on
  tenant_directory, tenant, tenant_feed, api_key, idempotency, program, member, member_identity, ledger,
  operation, entry, lot, allocation, hold, activity, benefit_grant
  to app_role;
grant update on tenant, tenant_feed, api_key, member, member_identity, ledger, lot, hold, benefit_grant to app_role;
grant delete on member_identity to app_role;
grant select on schema_migration to app_role;
