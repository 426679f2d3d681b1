-- What the app role may do, granted again after every migration. "app_role" stands for its name.
-- Entries, operations, tier changes' past and stored results are never changed once written.
grant usage on schema public to app_role;
grant select, insert on
  tenant_directory, tenant, tenant_feed, api_key, idempotency, program, member, member_identity, ledger,
  stored_operation, stored_entry, stored_lot, hold, hold_lot, activity, benefit_grant, benefit_use, limit_counter,
  metric_day, member_tier, tier_change, daily_run, refunded
  to app_role;
grant update on
  tenant, tenant_feed, api_key, member, member_identity, ledger, stored_lot, hold, benefit_grant, benefit_use,
  limit_counter, metric_day, member_tier, daily_run, refunded
  to app_role;
-- What is left of a lot goes when nothing is.
grant select, insert, update, delete on open_lot to app_role;
-- Of a tier change only that its rules were asked.
grant update (announced_at) on tier_change to app_role;
-- Operations, entries, lots and legs are seen in what is stored, the chain is only ever added to; sums of legs grow.
grant select on operation, entry, lot, leg to app_role;
grant select, insert on leg_day, leg_rollup, operation_chain to app_role;
grant update on leg_day, leg_rollup to app_role;
grant delete on member_identity, metric_day to app_role;
-- Revisions, calls and what was changed are never changed; calls are forgotten after a while.
grant select, insert on
  extension, extension_revision, extension_change, extension_call, call_seal, plugin_configuration
  to app_role;
grant update on extension to app_role;
grant delete on extension_call, call_seal to app_role;
-- Events are never changed; they are forgotten after a while.
grant select, insert, delete on feed_event to app_role;
-- Attempts are never changed; they are forgotten with what they were made for.
grant select, insert, delete on event_endpoint, event_lane, event_delivery, event_attempt to app_role;
grant update on event_endpoint, event_lane, event_delivery to app_role;
-- Places move on, and go with the last who answers; what is due goes once it is done.
grant select, insert, update, delete on told_place, tier_due to app_role;
-- Changes of records that are kept elsewhere are settled once, and never forgotten.
grant select, insert on record_change, record_lane to app_role;
grant update on record_change, record_lane to app_role;
grant delete on record_lane to app_role;
-- What reconciliation found is kept; what was on its way alone is forgotten.
grant select, insert, update on mirror_place, mirror_check to app_role;
grant select, insert, update, delete on mirror_difference to app_role;
grant select on schema_migration to app_role;
-- The jobs, whose tables are graphile-worker's. Cron is not used.
grant usage on schema graphile_worker to app_role;
grant select, insert, update, delete on
  graphile_worker._private_jobs, graphile_worker._private_job_queues
  to app_role;
grant select, insert on graphile_worker._private_tasks to app_role;
grant select on graphile_worker.migrations, graphile_worker._private_known_crontabs to app_role;
