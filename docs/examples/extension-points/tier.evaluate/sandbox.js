// Who loves tea needs less for the tier above; everybody else holds what the program says.
const ENOUGH_FOR_PLATINUM = 5000;

export default ({ member, ladder, proposed, current }) => {
  if (ladder !== 'main' || proposed !== 'gold' || !member.tags.includes('tea-lover')) return {};
  if (Number(current) < ENOUGH_FOR_PLATINUM) return {};
  return { tier: 'platinum', reason: 'Spends as much in our other brand.' };
};
