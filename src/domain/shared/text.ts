import { refuse } from '../../kernel/errors.ts';

const LONGEST_CODE = 64;

/** @throws Refusal TEXT_TOO_LONG */
export function refuseLong(text: string | null | undefined, most: number, field: readonly string[]): void {
  if (text !== null && text !== undefined && text.length > most)
    throw refuse('TEXT_TOO_LONG', field, { most });
}

/** For codes that aren't ours to check further: channels, stores, purposes. @throws Refusal TEXT_TOO_LONG */
export function refuseLongCode(text: string | null | undefined, field: readonly string[]): void {
  refuseLong(text, LONGEST_CODE, field);
}

/** @throws Refusal TEXT_TOO_LONG */
export function refuseLongSource(
  source: { readonly channel?: string | null; readonly store?: string | null } | null | undefined,
): void {
  refuseLongCode(source?.channel, ['source', 'channel']);
  refuseLongCode(source?.store, ['source', 'store']);
}
