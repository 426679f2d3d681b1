import { parsePhoneNumberWithError } from 'libphonenumber-js';
import { isCalendarDate, localDate } from '../../kernel/calendar.ts';
import { Refusal, type RefusalReason, refuse } from '../../kernel/errors.ts';
import { refuseLong, refuseLongCode } from '../shared/index.ts';
import { IdentityKind } from './member.entity.ts';
import type { ConsentInput, IdentityInput, ProfileInput } from './member.inputs.ts';

export const MOST_IDENTITIES = 16;
export const MOST_TAGS = 100;
const LONGEST_VALUE = 128;
const LARGEST_ATTRIBUTES = 8 * 1024;
const DEEPEST_ATTRIBUTES = 4;
const EMAIL = /^[^\s@]{1,64}@[^\s@]+\.[^\s@]{2,}$/;
const PRINTABLE = /^[\x21-\x7e]+$/;
const CODE = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

export interface NormalIdentity {
  readonly kind: IdentityKind;
  readonly value: string;
  readonly verified: boolean;
}

/** The one spelling under which an identity is kept and found; null when it is none of its kind. */
export function normaliseIdentity(kind: IdentityKind, value: string): string | null {
  const trimmed = value.trim();
  if (trimmed.length === 0 || trimmed.length > LONGEST_VALUE) return null;
  if (kind === IdentityKind.PHONE) return toE164(trimmed);
  if (kind === IdentityKind.EMAIL) return EMAIL.test(trimmed) ? trimmed.toLowerCase() : null;
  return PRINTABLE.test(trimmed) ? trimmed : null;
}

function toE164(value: string): string | null {
  try {
    const number = parsePhoneNumberWithError(value);
    return number.isValid() ? number.number : null;
  } catch {
    return null;
  }
}

/**
 * The identities as they are kept.
 * @throws Refusal IDENTITY_REQUIRED, IDENTITY_INVALID, IDENTITY_REPEATED
 */
export function normaliseIdentities(inputs: readonly IdentityInput[], field: string): NormalIdentity[] {
  const seen = new Set<string>();
  const reasons: RefusalReason[] = [];
  const identities = inputs.flatMap(({ kind, value, verified }, index): NormalIdentity[] => {
    const path = [field, String(index)];
    const normal = normaliseIdentity(kind, value);
    if (normal === null) {
      reasons.push({ code: 'IDENTITY_INVALID', field: [...path, 'value'], details: { kind } });
      return [];
    }
    if (seen.has(`${kind} ${normal}`)) reasons.push({ code: 'IDENTITY_REPEATED', field: path });
    seen.add(`${kind} ${normal}`);
    return [{ kind, value: normal, verified: verified === true }];
  });
  if (reasons.length > 0) throw new Refusal(reasons);
  return identities;
}

/** The name of who told none: their first identity, masked. */
export function maskedName({ kind, value }: NormalIdentity): string {
  if (kind === IdentityKind.EMAIL) return value.replace(/^(.).*(@.*)$/, '$1***$2');
  return value.length <= 4 ? `***${value}` : `***${value.slice(-4)}`;
}

/**
 * Checks what has no type of its own.
 * @throws Refusal TEXT_TOO_LONG, BIRTHDAY_INVALID
 */
export function refuseBadProfile(profile: ProfileInput | null | undefined): void {
  const limits = { displayName: 200, locale: 35, region: 64 } as const;
  for (const [name, most] of Object.entries(limits)) {
    refuseLong(profile?.[name as keyof typeof limits], most, ['profile', name]);
  }
  const birthday = profile?.birthday;
  if (birthday === null || birthday === undefined) return;
  if (!DATE.test(birthday) || !isCalendarDate(birthday) || birthday < '1900-01-01') {
    throw refuse('BIRTHDAY_INVALID', ['profile', 'birthday']);
  }
}

/** @throws Refusal TEXT_TOO_LONG */
export function refuseBadConsents(consents: readonly ConsentInput[] | null | undefined): void {
  for (const [index, { purpose }] of (consents ?? []).entries()) {
    refuseLongCode(purpose, ['consents', String(index), 'purpose']);
  }
}

/** @throws Refusal BIRTHDAY_INVALID when it lies after today, in the tenant's time zone */
export function refuseFutureBirthday(birthday: string | null, now: Date, timeZone: string): void {
  if (birthday !== null && birthday > localDate(now, timeZone)) {
    throw refuse('BIRTHDAY_INVALID', ['profile', 'birthday']);
  }
}

/**
 * Attributes as they are kept.
 * @throws Refusal ATTRIBUTES_INVALID
 */
export function toAttributes(value: unknown): Record<string, unknown> {
  if (value === null || value === undefined) return {};
  const isObject = typeof value === 'object' && !Array.isArray(value);
  const fits = isObject && isWithinDepth(value, DEEPEST_ATTRIBUTES) && jsonBytes(value) <= LARGEST_ATTRIBUTES;
  if (!fits) throw refuse('ATTRIBUTES_INVALID', ['attributes']);
  return value as Record<string, unknown>;
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '');
}

function isWithinDepth(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isWithinDepth(inner, depth - 1));
}

/** @throws Refusal TAG_INVALID, TOO_MANY_TAGS */
export function toTags(tags: readonly string[] | null | undefined, field = 'tags'): string[] {
  const codes = [...new Set(tags ?? [])];
  const wrong = codes.findIndex((code) => !CODE.test(code));
  if (wrong >= 0) throw refuse('TAG_INVALID', [field, String(wrong)]);
  if (codes.length > MOST_TAGS) throw refuse('TOO_MANY_TAGS', [field], { most: MOST_TAGS });
  return codes.sort();
}
