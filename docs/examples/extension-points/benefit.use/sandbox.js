// The voucher of a cake is the last part of its order's number.
export default ({ effect, order }) => {
  if (effect.kind !== 'GIFT') return { decision: 'APPROVE' };
  if (order === null) return { decision: 'REFUSE', reason: 'A gift goes with an order.' };
  return { decision: 'APPROVE', value: `${effect.value}/voucher-${order.number.split('-').at(-1)}` };
};
