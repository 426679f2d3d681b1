import { RequestFault } from '../../kernel/errors.ts';
import { isStorable } from '../../kernel/text.ts';

/**
 * Refuses text that PostgreSQL can't hold.
 * @throws RequestFault TEXT_INVALID
 */
export function refuseUnstorable(text: string): void {
  if (!isStorable(text)) throw new RequestFault('TEXT_INVALID');
}
