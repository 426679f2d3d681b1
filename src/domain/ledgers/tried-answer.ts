import { type Fault, growthRule } from '../../extension/index.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { Tried } from '../extensions/index.ts';
import type { ProgramService } from '../programs/index.ts';
import { type ExtensionPosting, judgePostings } from './extension-posting.policy.ts';

/**
 * Holds what a tried answer would give against the program and its limits; null where it may. It is judged as
 * of its activity: a call of last month may have named a moment that is over by now.
 */
export async function judgeTried(
  programs: ProgramService,
  tenantKey: string,
  { point, input, output, limits, now }: Tried,
): Promise<Fault | null> {
  const { postings = [] } = output as { readonly postings?: readonly ExtensionPosting[] };
  if (postings.length === 0) return null;
  const program = await programs.inForce(tenantKey).catch((error: unknown) => {
    if (error instanceof Refusal) return null;
    throw error;
  });
  if (program === null) return null;
  const { activity } = input as { readonly activity?: { readonly occurredAt: string } };
  const occurredAt = activity === undefined ? null : new Date(activity.occurredAt);
  const kind = point === growthRule.name ? 'GROWTH' : undefined;
  return judgePostings(program, postings, limits, { now: occurredAt ?? now, occurredAt, kind });
}
