// Growth as the enterprise's own system wrote it down with the member.
export default ({ member }) => {
  const { crm } = member.attributes;
  return crm === undefined ? { current: null } : { current: crm.growth, total: crm.grown };
};
