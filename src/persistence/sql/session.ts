/**
 * How sessions plan. Statements are prepared once and keep one plan: planning them again costs more than
 * running them. Each is a look-up by keys, so sequential scans are off: a plan made while a table was still
 * empty would go on reading all of it when it has grown. For the same reason a statement on a hot path
 * names whole keys of its own, `ledger_id = any($2)`, where a join alone would do: an empty table's plan
 * joins on tenant_id and filters. A page read anywhere is taken to cost what the next one costs, as from
 * memory and SSDs: with PostgreSQL's setting for turning disks, whole tenants are read where some rows are
 * looked up. Times are in UTC, which is the quickest to read.
 */
export const SESSION_OPTIONS =
  '-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off -c random_page_cost=1.1 ' +
  '-c timezone=UTC';

/** Added for work that can be done again: a crash may lose the last commits, and never a part of one. */
export const RELAXED_OPTIONS = ' -c synchronous_commit=off';

/**
 * For long looks over a whole tenant, which plan each statement for what is there: all of a table is read at
 * once, and sorted in memory where it fits. Of a tenant that is new since the last ANALYZE nothing is known,
 * and nested loops would compare all it has with all: what is joined is hashed. Dates have one spelling, and
 * nothing can be written.
 */
export const SURVEY_OPTIONS =
  '-c plan_cache_mode=force_custom_plan -c jit=off -c timezone=UTC -c datestyle=ISO -c work_mem=64MB ' +
  '-c enable_nestloop=off -c default_transaction_read_only=on';
