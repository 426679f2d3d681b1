import type { Fault } from '../../extension/index.ts';
import { Refusal } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { toUserErrors } from '../shared/index.ts';
import type { EventFault } from './endpoint.types.ts';

/** A fault in the caller's language. */
export function showFault(ctx: RequestContext, fault: Fault | null): EventFault | null {
  if (fault === null) return null;
  const [shown] = toUserErrors(ctx, new Refusal([{ ...fault, field: null }]));
  return shown === undefined ? null : { code: shown.code, message: shown.message };
}
