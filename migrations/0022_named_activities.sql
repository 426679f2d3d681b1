-- What a request answered that recorded an activity, and whose operations are all that activity's, is found by the
-- activity: instead of JSON that names them (result). And an operation whose explanation is one of its activity's says
-- which, instead of keeping it once more. What was kept before stays as it is.

alter table idempotency
  add column activity_id uuid,
  drop constraint idempotency_answered,
  add constraint idempotency_answered check (num_nonnulls(result, operation_id, activity_id) = 1);

-- Its place in the activity's explanations, from 0.
alter table operation
  add column explained_by smallint,
  add constraint operation_explained check (
    explained_by is null or (explained_by >= 0 and activity_id is not null and explanation is null));
