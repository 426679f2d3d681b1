import { answers, definePlugin, type MemberReadOutput, memberRead } from '../../../../src/extension/index.ts';

/** What the CRM knows of people, by phone. */
const CRM = new Map([
  ['+8613800138000', { displayName: '林小满', avatarUrl: 'https://img.example.com/c-2041.jpg' }],
]);

/** Whoever the CRM knows is shown as it knows them. */
export const plugin = definePlugin({
  id: 'crm-profiles',
  version: 1,
  description: 'Answers member.read: members are shown as the CRM knows them.',
  answers: [
    answers(memberRead, ({ members }): MemberReadOutput => {
      const profiles = members.flatMap(({ member, identities }) => {
        const [profile] = identities.flatMap(({ value }) => CRM.get(value) ?? []);
        return profile === undefined ? [] : [{ memberId: member.id, profile }];
      });
      return { profiles };
    }),
  ],
});
