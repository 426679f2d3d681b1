import type { Answer, Fault, MemberUpdateOutput } from '../../extension/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { isStorable } from '../../kernel/text.ts';
import { faultIn } from './enrichment.policy.ts';
import type { Member } from './member.entity.ts';
import type { ProfileInput } from './member.inputs.ts';
import { toAttributes, toTags } from './member.policy.ts';
import { withProfile } from './member-change.policy.ts';

/** What extensions add to a change, in the order of their answers. */
export type Additions = readonly Pick<Answer<MemberUpdateOutput>, 'extension' | 'output'>[];

/** Tags that come and go. */
export interface TagsChanged {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Where and when a change is made. */
interface Moment {
  readonly now: Date;
  readonly timeZone: string;
}

/** Holds what an extension adds against what a caller may send; null where it may be written. */
export function judgeAddition(after: Member, output: MemberUpdateOutput, moment: Moment): Fault | null {
  const { profile, tags, attributes } = output;
  if (!isStorable([profile, tags, attributes])) return { code: 'OUTPUT_TEXT_INVALID', details: {} };
  return faultIn(() => added(after, output, moment));
}

/**
 * A member after a change, with what extensions add to it.
 * @throws Refusal EXTENSION_UNAVAILABLE that names the extension with which it became too much to keep
 */
export function withAdditions(after: Member, additions: Additions, moment: Moment): Member {
  return additions.reduce((member, { extension, output }) => {
    if (faultIn(() => added(member, output, moment)) !== null) {
      throw refuse('EXTENSION_UNAVAILABLE', null, { extension: extension.name });
    }
    return added(member, output, moment);
  }, after);
}

/** The tags that come and go, those of extensions included: the later wins. */
export function tagsWithAdditions(asked: TagsChanged, additions: Additions): TagsChanged {
  return additions.reduce(({ add, remove }, { output: { tags } }) => {
    const { add: more = [], remove: less = [] } = tags ?? {};
    return {
      add: [...add.filter((code) => !less.includes(code)), ...more],
      remove: [...remove.filter((code) => !more.includes(code)), ...less],
    };
  }, asked);
}

/** @throws Refusal TEXT_TOO_LONG, BIRTHDAY_INVALID, ATTRIBUTES_INVALID, TOO_MANY_TAGS */
function added(
  member: Member,
  { profile, tags, attributes }: MemberUpdateOutput,
  { now, timeZone }: Moment,
): Member {
  const { add = [], remove = [] } = tags ?? {};
  const kept = member.tagCodes.filter((code) => !remove.includes(code));
  const tagCodes = [...new Set([...kept, ...add])];
  toTags(tagCodes);
  return {
    ...withProfile(member, profile as ProfileInput | undefined, now, timeZone),
    tagCodes,
    attributes:
      attributes === undefined ? member.attributes : toAttributes({ ...member.attributes, ...attributes }),
  };
}
