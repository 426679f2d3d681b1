// Uploaded code keeps nothing, so it can only stand in for the other system while that is being built: whatever it is
// asked, it answers the same again.
export default ({ operation: { id }, amount }) =>
  BigInt(amount) < -10000n
    ? { decision: 'REFUSE', reason: 'At most 10,000 can be taken at once.' }
    : { decision: 'DONE', reference: { type: 'crm-booking', id } };
