import type { ProgramDefinition } from '../../src/domain/programs/index.ts';
import { definitionOf, exampleText } from '../ledger/programs.ts';

/** The demo program with other ladders, as YAML. */
export function withLadders(ladders: string, timeZone = 'Asia/Shanghai'): ProgramDefinition {
  const text = exampleText('demo').replace('timeZone: Asia/Shanghai', `timeZone: ${timeZone}`);
  const [head = ''] = text.split('ladders:\n');
  const rest = text.slice(text.indexOf('\nbenefits:\n'));
  return definitionOf(`${head}ladders:\n${ladders}${rest}`);
}

/** One ladder as YAML: its head's fields, and what each tier asks. */
export function ladderOf(code: string, fields: string, thresholds: readonly string[]): string {
  const tiers = thresholds.map(
    (threshold, index) =>
      `      - { code: t${index + 1}, name: { en: T${index + 1} }, threshold: "${threshold}" }`,
  );
  return `  - { code: ${code}, name: { en: ${code} }, ${fields}, tiers: [\n${tiers
    .map((tier) => tier.replace('      - ', '      '))
    .join(',\n')} ] }\n`;
}
