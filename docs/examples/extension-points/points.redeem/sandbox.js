// At most 1,000 points at once, and the till's order is the booking's number.
const MOST = 1000n;

export default ({ amount, hold, reference }) => {
  const spent = BigInt(amount ?? hold.left);
  if (spent > MOST) return { decision: 'REFUSE', reason: `At most ${MOST} points can be spent at once.` };
  if (reference === null) return { decision: 'APPROVE' };
  return { decision: 'APPROVE', reference: { type: 'crm-booking', id: reference.id } };
};
