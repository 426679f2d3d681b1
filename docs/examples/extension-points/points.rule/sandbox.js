// Ten points more for each piece of tea.
const POINTS_A_PIECE = 10;

export default ({ activity }) => {
  const lines = activity.order?.lines ?? [];
  const pieces = lines
    .filter(({ category }) => category === 'tea')
    .reduce((sum, { quantity }) => sum + quantity, 0);
  if (activity.type !== 'purchase' || pieces <= 0) return { postings: [] };
  console.log('pieces of tea:', pieces); // is kept with the call
  return { postings: [{ asset: 'points', amount: String(pieces * POINTS_A_PIECE), reason: 'tea-lovers' }] };
};
