import {
  answers,
  definePlugin,
  type MemberUpdateOutput,
  memberUpdate,
} from '../../../../src/extension/index.ts';

/** Who moves to another region is tagged, and where they come from is kept. */
export const plugin = definePlugin({
  id: 'movers',
  version: 1,
  description: 'Answers member.update: who moves to another region is tagged.',
  answers: [
    answers(memberUpdate, ({ member, change: { profile } }): MemberUpdateOutput => {
      const { region } = profile;
      if (!region || member.region === null || region === member.region) return { decision: 'APPROVE' };
      return { decision: 'APPROVE', tags: { add: ['moved'] }, attributes: { movedFrom: member.region } };
    }),
  ],
});
