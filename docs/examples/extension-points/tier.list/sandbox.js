// The shop shows the highest tier first, and none below the one that a member holds.
export default ({ ladder, tiers }) => {
  const held = tiers.find(({ isHeld }) => isHeld)?.rank ?? 0;
  const shown = tiers.filter(({ rank }) => rank >= held).reverse();
  return {
    tiers: shown.map(({ code, threshold }) => ({ code, requirement: `${threshold} ${ladder.metric}` })),
  };
};
