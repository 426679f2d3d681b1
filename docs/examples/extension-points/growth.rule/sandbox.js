// From the second tier on, growth comes half as fast again.
const FASTER_FROM_RANK = 2;

export default ({ member, proposed }) => {
  if (member.tier.rank < FASTER_FROM_RANK) return { postings: [] };
  const sum = proposed.reduce((total, { amount }) => total + BigInt(amount), 0n);
  if (sum === 0n) return { postings: [] };
  const amount = String((sum * 3n) / 2n);
  return { postings: [{ asset: 'growth', amount, reason: 'gold grows faster' }], replace: true };
};
