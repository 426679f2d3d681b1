// Who moves to another region is tagged, and where they come from is kept.
export default ({ member, change: { profile } }) => {
  const { region } = profile;
  if (!region || member.region === null || region === member.region) return { decision: 'APPROVE' };
  return { decision: 'APPROVE', tags: { add: ['moved'] }, attributes: { movedFrom: member.region } };
};
