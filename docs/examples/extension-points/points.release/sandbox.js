// What is left of a hold is given back unless its order is being packed; the hold is the release's number.
export default ({ hold, reason }) => {
  if (reason === 'packed') return { decision: 'REFUSE', reason: 'The order is packed already.' };
  return { decision: 'APPROVE', reference: { type: 'crm-release', id: hold.id } };
};
