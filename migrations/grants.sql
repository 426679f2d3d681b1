-- What the app role may do, granted again after every migration. "app_role" stands for its name.
-- Entries, allocations, operations, tier changes' past and stored results are never changed once written.
grant usage on schema public to app_role;
grant select, insert on
  tenant_directory, tenant, tenant_feed, api_key, idempotency, program, member, member_identity, ledger,
  operation, entry, lot, allocation, hold, hold_lot, activity, benefit_grant, benefit_use, limit_counter, metric_day,
  member_tier, tier_change, daily_run, refunded
  to app_role;
grant update on
  tenant, tenant_feed, api_key, member, member_identity, ledger, lot, hold, benefit_grant, benefit_use,
  limit_counter, metric_day, member_tier, daily_run, refunded
  to app_role;
-- Of a tier change only that its rules were asked.
grant update (announced_at) on tier_change to app_role;
-- Legs and the chain are only ever added to; sums of legs grow.
grant select, insert on leg, leg_day, leg_rollup, operation_chain to app_role;
grant update on leg_day, leg_rollup to app_role;
grant delete on member_identity, metric_day to app_role;
grant select on schema_migration to app_role;
-- The jobs, whose tables are graphile-worker's. Cron is not used.
grant usage on schema graphile_worker to app_role;
grant select, insert, update, delete on
  graphile_worker._private_jobs, graphile_worker._private_job_queues
  to app_role;
grant select, insert on graphile_worker._private_tasks to app_role;
grant select on graphile_worker.migrations, graphile_worker._private_known_crontabs to app_role;
