import { RequestFault } from '../../kernel/errors.ts';

/**
 * Refuses text that PostgreSQL can't hold: with a NUL, or with half of a surrogate pair.
 * @throws RequestFault TEXT_INVALID
 */
export function refuseUnstorable(text: string): void {
  if (text.includes('\0') || !text.isWellFormed()) throw new RequestFault('TEXT_INVALID');
}
