// At most 100 points, and 500 from the third tier on.
const THIRD = 3;

export default ({ member, amount }) => {
  const most = member.tier.rank < THIRD ? 100n : 500n;
  if (BigInt(amount) <= most) return { decision: 'APPROVE' };
  return { decision: 'REFUSE', reason: `At most ${most} points can be reserved.` };
};
