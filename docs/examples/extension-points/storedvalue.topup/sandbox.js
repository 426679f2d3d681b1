// A tenth on top from the second tier on.
const FROM_RANK = 2;

export default ({ member, asset, paid }) => {
  const bonus = BigInt(paid) / 10n;
  if (member.tier.rank < FROM_RANK || bonus === 0n) return { decision: 'APPROVE' };
  return { decision: 'APPROVE', postings: [{ asset, amount: String(bonus), reason: 'gold-top-up' }] };
};
