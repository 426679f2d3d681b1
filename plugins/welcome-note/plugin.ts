import { answers, definePlugin, type MemberCreateOutput, memberCreate } from '../../src/extension/index.ts';

const LINK = /(https?:\/\/|www\.)/i;

/** Greets new members by name, and keeps out those whose name is an advertisement. */
export const plugin = definePlugin({
  id: 'welcome-note',
  version: 1,
  description:
    'Answers member.create: refuses names that carry a link, and adds a welcome note to the others.',
  answers: [
    answers(memberCreate, ({ profile }): MemberCreateOutput => {
      const name = profile.displayName?.trim();
      if (name === undefined || name === '') return { decision: 'APPROVE' };
      if (LINK.test(name)) {
        const reason = profile.locale?.startsWith('zh')
          ? '姓名中不能包含链接。'
          : 'A name can’t contain a link.';
        return { decision: 'REFUSE', reason };
      }
      const welcomeNote = profile.locale?.startsWith('zh') ? `欢迎你，${name}！` : `Welcome, ${name}!`;
      return { decision: 'APPROVE', attributes: { welcomeNote } };
    }),
  ],
});
