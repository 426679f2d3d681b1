/**
 * A column of a set whose lists are unnested side by side: nothing at all where every row has the usual
 * value. Lists that end sooner than others go on with nulls, which the statement takes for it, so that
 * neither side works on what says nothing.
 */
export function sparse<Row, Value>(
  rows: readonly Row[],
  pick: (row: Row) => Value,
  usual: Value | null = null,
): Value[] {
  const values = rows.map(pick);
  return values.every((value) => value === usual) ? [] : values;
}

/** A moment, where it isn't the one that the statement takes when it is told none. */
export function unless(usual: Date, moment: Date | null): Date | null {
  return moment?.getTime() === usual.getTime() ? null : moment;
}
