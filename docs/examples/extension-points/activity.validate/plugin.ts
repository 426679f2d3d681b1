import {
  type ActivityValidateOutput,
  activityValidate,
  answers,
  definePlugin,
} from '../../../../src/extension/index.ts';

const CHANNEL = 'wechat-mini-program';

/** Who signs in is in the mini program. */
export const plugin = definePlugin({
  id: 'real-sign-ins',
  version: 1,
  description: 'Answers activity.validate: who signs in is in the mini program.',
  answers: [
    answers(activityValidate, ({ activity: { type, source } }): ActivityValidateOutput => {
      if (type !== 'sign_in' || source.channel === CHANNEL) return { decision: 'ACCEPT' };
      const noticed = { score: 80, flags: ['odd-channel'] };
      return { decision: 'REFUSE', reason: 'Sign in by our mini program.', ...noticed };
    }),
  ],
});
