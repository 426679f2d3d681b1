import type { BenefitDefinition, ProgramDefinition } from '../../src/domain/programs/index.ts';
import { definitionOf, exampleText } from '../ledger/programs.ts';

/** A benefit of a program, without limits unless said otherwise. */
export function benefit(code: string, given: Partial<BenefitDefinition> = {}): BenefitDefinition {
  return { code, name: { en: code }, kind: 'GIFT', level: 'BASIC', ...given };
}

/** The demo program with these benefits more. */
export function demoWith(
  benefits: readonly BenefitDefinition[],
  change: (demo: ProgramDefinition) => ProgramDefinition = (demo) => demo,
): ProgramDefinition {
  const demo = definitionOf(exampleText('demo'));
  return change({ ...demo, benefits: [...demo.benefits, ...benefits] });
}
