// Nothing is undone without a reason; the order's number is that of the reversal, too.
export default ({ reason, operation: { reference } }) => {
  if (reason === null) return { decision: 'REFUSE', reason: 'Say why it is undone.' };
  if (reference === null) return { decision: 'APPROVE' };
  return { decision: 'APPROVE', reference: { type: 'crm-reversal', id: reference.id } };
};
