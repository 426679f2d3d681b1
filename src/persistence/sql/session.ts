/**
 * How sessions plan. Statements are prepared once and keep one plan: planning them again costs more than
 * running them. Each is a look-up by keys, so sequential scans are off: a plan made while a table was still
 * empty would go on reading all of it when it has grown. Times are in UTC, which is the quickest to read.
 */
export const SESSION_OPTIONS =
  '-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off -c timezone=UTC';
