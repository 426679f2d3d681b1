// Uploaded code can call nobody: what it answers is kept with the call, where a report finds it.
const NUMBERS = { ent_01jdb2zq7fe3psh0m2x1c9v4tf_1c: 'EXP-0007' };

export default ({ entry }) => {
  const id = NUMBERS[entry];
  return id === undefined ? {} : { reference: { type: 'crm-booking', id } };
};
