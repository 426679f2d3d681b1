import { z } from 'zod';
import type { MemberReadInput, MemberReadOutput } from '../../src/extension/index.ts';
import { customerOf, isNamed, knownOf } from './accounts.ts';
import { ask, type Context, isAsked } from './endpoint.ts';
import { branchOf } from './settings.ts';

type Profile = MemberReadOutput['profiles'][number];
type Asked = MemberReadInput['members'][number];

const LONGEST = { name: 200, address: 500 };
/** By the platform's codes; 0 is unknown. */
const GENDERS: readonly (Profile['profile']['gender'] | undefined)[] = [undefined, 'MALE', 'FEMALE'];

const text = z.string().nullish();
const customer = z.object({
  ...{ name: text, latestNickName: text, birthday: text, email: text, latestAvatar: text },
  gender: z.int().nullish(),
  contactAddressDTO: z.object({ address: text }).nullish(),
});
/** What can be shown; how a birthday and a picture's address are written isn't published. */
const birthday = z.iso.date();
const email = z.email().max(254);
const avatar = z.url({ protocol: /^https$/, hostname: z.regexes.domain }).max(1_000);

/** Profiles as the enterprise has them: one is asked about at a time, all of them at once. */
export async function readProfiles(
  { members }: MemberReadInput,
  context: Context,
): Promise<MemberReadOutput> {
  const { configuration: settings } = context;
  if (!isAsked(settings, 'GetCustomerExtPoint.execute')) return { profiles: [] };
  const named = members.filter(({ member }) => isNamed(member.attributes, settings));
  const profiles = await Promise.all(named.map((one) => readProfile(one, context)));
  return { profiles: profiles.filter((profile) => profile !== null) };
}

/** Null where they don't know the member. */
async function readProfile({ member, identities }: Asked, context: Context): Promise<Profile | null> {
  const { configuration: settings } = context;
  const { accountId, accountType, yzOpenId } = customerOf(member.attributes, settings);
  const request = {
    ...{ accountId, accountType, kdtId: settings.kdtId, nodeKdtId: branchOf(settings, member.source.store) },
    ...{ mobile: knownOf(identities, settings)?.mobile, yzOpenId },
  };
  const reply = await ask(context, 'GetCustomerExtPoint.execute', request, customer);
  if ('refusal' in reply) return null;
  const { name, latestNickName, gender, contactAddressDTO, ...told } = reply.data;
  const profile = {
    displayName: shortened(name ?? latestNickName, LONGEST.name),
    gender: GENDERS[gender ?? 0],
    birthday: birthday.safeParse(told.birthday).data,
    email: email.safeParse(told.email).data,
    address: shortened(contactAddressDTO?.address, LONGEST.address),
    avatarUrl: avatar.safeParse(told.latestAvatar).data,
  };
  return { memberId: member.id, profile };
}

/** What is missing or empty is shown as it is kept here. */
function shortened(words: string | null | undefined, longest: number): string | undefined {
  return words?.slice(0, longest).toWellFormed() || undefined;
}
