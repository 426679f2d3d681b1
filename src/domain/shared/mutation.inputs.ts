/** What the inputs of mutations say of the fields that all of them have. */
export const KEY_DESCRIPTION =
  'Your own key for this request: the same key and input give the first result again, whatever happened meanwhile.';
export const DRY_RUN_DESCRIPTION = 'Only try: everything is checked and answered, and nothing is written.';
