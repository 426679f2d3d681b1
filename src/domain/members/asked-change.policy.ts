import type { MemberUpdateInput } from '../../extension/index.ts';
import type { Member } from './member.entity.ts';
import type { UpdateMemberInput } from './member.inputs.ts';
import { normaliseIdentities } from './member.policy.ts';
import type { TagsChanged } from './member-addition.policy.ts';
import { updated } from './member-change.policy.ts';

/** A change, before it is made: the member with it, and how extensions are told of it. */
export interface AskedChange {
  readonly after: Member;
  readonly change: MemberUpdateInput['change'];
}

/** @throws Refusal what `updated` and `normaliseIdentities` throw */
export function readUpdate(
  before: Member,
  input: UpdateMemberInput,
  now: Date,
  timeZone: string,
): AskedChange {
  const after = updated(before, input, now, timeZone);
  const identities = normaliseIdentities(input.addIdentities ?? [], 'addIdentities');
  return {
    after,
    change: {
      profile: { ...input.profile },
      addIdentities: identities.map(({ kind, value }) => ({ kind, value })),
      consents: (input.consents ?? []).map(({ purpose, granted }) => ({ purpose, granted })),
      attributes: input.attributes === undefined ? null : after.attributes,
      tags: {
        add: after.tagCodes.filter((code) => !before.tagCodes.includes(code)),
        remove: before.tagCodes.filter((code) => !after.tagCodes.includes(code)),
      },
      status: input.status ?? null,
    },
  };
}

/** The same of tags alone. */
export function readTags(before: Member, { add, remove }: TagsChanged): AskedChange {
  const kept = [...before.tagCodes, ...add].filter((code) => !remove.includes(code));
  const nothing = { profile: {}, addIdentities: [], consents: [], attributes: null, status: null };
  return {
    after: { ...before, tagCodes: [...new Set(kept)] },
    change: { ...nothing, tags: { add: [...add], remove: [...remove] } },
  };
}
