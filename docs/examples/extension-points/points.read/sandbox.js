// The balance as the enterprise's own system wrote it down with the member.
const END_OF_YEAR = '2026-12-31T16:00:00.000Z';

export default ({ member }) => {
  const { crm } = member.attributes;
  if (crm === undefined) return { available: null };
  const expiringSoon = [{ amount: '300', expiresAt: END_OF_YEAR }];
  return { available: crm.points, held: crm.frozen, expiringSoon };
};
