// Who signs in is in the mini program.
const CHANNEL = 'wechat-mini-program';

export default ({ activity: { type, source } }) => {
  if (type !== 'sign_in' || source.channel === CHANNEL) return { decision: 'ACCEPT' };
  const noticed = { score: 80, flags: ['odd-channel'] };
  return { decision: 'REFUSE', reason: 'Sign in by our mini program.', ...noticed };
};
