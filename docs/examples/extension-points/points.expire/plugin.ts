import {
  answers,
  definePlugin,
  type PointsExpireOutput,
  pointsExpire,
} from '../../../../src/extension/index.ts';

/** What this stand-in for a CRM has booked, by the entry: told twice, it is booked once. */
const booked = new Map<string, string>();

function book(entry: string): string {
  const number = booked.get(entry) ?? `EXP-${String(booked.size + 7).padStart(4, '0')}`;
  booked.set(entry, number);
  return number;
}

/** Books in another system what expired here. */
export const plugin = definePlugin({
  id: 'crm-expiries',
  version: 1,
  description: 'Answers points.expire: books what expired.',
  answers: [
    answers(pointsExpire, ({ entry }): PointsExpireOutput => {
      return { reference: { type: 'crm-booking', id: book(entry) } };
    }),
  ],
});
