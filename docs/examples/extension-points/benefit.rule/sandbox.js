// From the second tier on, the cake is a larger one.
const CAKE = 'birthday-cake';
const FROM_RANK = 2;

export default ({ benefit, member }) => {
  if (benefit.code !== CAKE || member.tier.rank < FROM_RANK) return { eligible: true };
  return { eligible: true, effect: { kind: 'GIFT', value: 'cake-8-inch' } };
};
