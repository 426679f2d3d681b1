// The highest tier is reached, never given: by hand it is the one below.
const HIGHEST_BY_HAND = 'platinum';

export default ({ to }) => {
  if (to !== 'black') return { decision: 'APPROVE' };
  return { decision: 'APPROVE', tier: HIGHEST_BY_HAND };
};
