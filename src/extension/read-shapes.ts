import { z } from 'zod';
import { parsePoints } from '../kernel/points.ts';
import { code, exampleMember, member } from './shapes.ts';

/** A whole number as a string, never below zero. */
export const unitsFromZero = z
  .string()
  .regex(/^(0|[1-9]\d{0,18})$/)
  .refine((text) => parsePoints(text) !== null, { error: 'is more than 64 bits hold' });

/** What is asked of a system that keeps an asset's record. */
export const read = {
  member: member.describe('Whose ledger it is.'),
  asset: code.describe('The code of the asset, whose record is EXTERNAL in the program.'),
};

/** A member with what an enterprise's own system wrote into their attributes. */
export const exampleRead = {
  member: {
    ...exampleMember,
    attributes: { crm: { points: '1280', frozen: '80', growth: '5200', grown: '7400' } },
  },
  asset: 'miles',
};
