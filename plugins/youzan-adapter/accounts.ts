import { parsePhoneNumberFromString } from 'libphonenumber-js';
import type { MemberCreateInput } from '../../src/extension/index.ts';
import { type Account, account, type Settings } from './settings.ts';

/** What the platform knows of somebody who enrols; what is missing isn't sent. */
export interface Known {
  readonly account: Account;
  readonly mobile?: string;
  readonly countryCode?: string;
  readonly yzOpenId?: string;
  readonly email?: string;
}

/** Names a new member as the platform would; null where none of their identities has a place there. */
export function knownOf(
  identities: MemberCreateInput['identities'],
  { accounts, externalIsYzOpenId }: Settings,
): Known | null {
  const called = (kind: string) => identities.find((identity) => identity.kind === kind)?.value;
  const phone = parsePhoneNumberFromString(called('PHONE') ?? '');
  const yzOpenId = externalIsYzOpenId ? called('EXTERNAL') : undefined;
  const ids: Record<Account['accountType'], string | undefined> = {
    WxOpenId: called('WECHAT_OPENID'),
    WxUnionId: called('WECHAT_UNIONID'),
    Mobile: phone?.nationalNumber,
    YouZanAccount: yzOpenId,
  };
  const accountType = accounts.find((type) => ids[type] !== undefined);
  if (accountType === undefined) return null;
  return {
    account: { accountId: ids[accountType] ?? '', accountType },
    mobile: phone?.nationalNumber,
    countryCode: phone === undefined ? undefined : `+${phone.countryCallingCode}`,
    yzOpenId,
    email: called('EMAIL'),
  };
}

/** Whether anything is kept that names a member. */
export function isNamed(attributes: Readonly<Record<string, unknown>>, { attribute }: Settings): boolean {
  return account.safeParse(attributes[attribute]).success;
}

/**
 * What names a member, as it was kept when they enrolled, or imported.
 * @throws when nothing is kept
 */
export function keptAccount(attributes: Readonly<Record<string, unknown>>, { attribute }: Settings): Account {
  const { data } = account.safeParse(attributes[attribute]);
  if (data === undefined)
    throw new Error(`The member has no attribute "${attribute}" with accountId and accountType.`);
  return data;
}

/** A member as the methods of points name them. */
export function customerOf(
  attributes: Readonly<Record<string, unknown>>,
  settings: Settings,
): Account & { readonly yzOpenId: string | undefined } {
  const kept = keptAccount(attributes, settings);
  return { ...kept, yzOpenId: kept.accountType === 'YouZanAccount' ? kept.accountId : undefined };
}
