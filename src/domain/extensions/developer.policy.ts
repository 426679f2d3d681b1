import type { Stage } from '../../extension/index.ts';
import { RequestFault, refuse } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { COUNTING } from './stage.policy.ts';

/** Whether the caller may look at an extension: developers at their own alone. */
export function maySee({ caller }: RequestContext, extensionKey: string): boolean {
  return caller.role === 'STAFF' || (caller.role === 'DEVELOPER' && caller.extensionKey === extensionKey);
}

/** @throws Refusal EXTENSION_NOT_FOUND, as for one that there isn't */
export function refuseForeign(ctx: RequestContext, extensionKey: string): void {
  if (!maySee(ctx, extensionKey)) throw refuse('EXTENSION_NOT_FOUND', ['extensionId']);
}

/**
 * What counts isn't a developer's to change: neither what they put there, nor what they take from there.
 * @param taken the stage of the revision that would be put elsewhere; null where none is
 * @throws RequestFault FORBIDDEN
 */
export function refuseBeyondDeveloper(
  { caller }: RequestContext,
  input: { readonly stage?: Stage | null; readonly priority?: number | null; readonly stepBack?: unknown },
  taken: Stage | null,
): void {
  if (caller.role !== 'DEVELOPER') return;
  const { stage = null, priority = null, stepBack } = input;
  if (priority !== null) throw beyond('priority', 'priority');
  // Null is a value here: it takes the thresholds away.
  if (stepBack !== undefined) throw beyond('stepBack', 'stepBack');
  if (taken !== null && COUNTING.includes(taken)) throw beyond('stage', `${taken} → ${stage ?? 'DRAFT'}`);
  if (stage !== null && stage !== 'DRAFT' && stage !== 'SHADOW') throw beyond('stage', stage);
}

/** @param what in names that are the same in every language */
function beyond(field: string, what: string): RequestFault {
  return new RequestFault('FORBIDDEN', { details: { what }, field: [field], httpStatus: 403 });
}
