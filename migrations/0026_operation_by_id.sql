-- A condition within a branch would keep PostgreSQL from looking an operation up by its id where another table
-- names it: it would read all of the tenant's. Over both branches it reaches the indexes.
create or replace view operation with (security_invoker = true) as
select *
  from (select tenant_id, operation_id, kind, program_version, activity_id, reason, reference_type, reference_id,
               explanation, array[ledger_id] as ledger_ids, array[version] as versions,
               coalesce(created_at, recorded_at, occurred_at) as created_at, ref_operation_id, input_hash,
               coalesce(pays_back, false) as pays_back, explained_by
          from stored_entry
         union all
        select tenant_id, operation_id, kind, program_version, activity_id, reason, reference_type, reference_id,
               explanation, ledger_ids, versions, created_at, ref_operation_id, input_hash, pays_back, explained_by
          from stored_operation) as told
 where program_version is not null;
