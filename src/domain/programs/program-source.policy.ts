import { Refusal, type RefusalReason } from '../../kernel/errors.ts';
import { type ProgramFinding, parseProgram } from './program.file.ts';
import type { ProgramDefinition } from './program.schema.ts';

const MOST_TOLD = 50;

/**
 * What a program file says that came with a request.
 * @throws Refusal PROGRAM_INVALID, a reason for each fault
 */
export function definitionIn(source: string): ProgramDefinition {
  const { definition, findings } = parseProgram(source);
  if (definition !== null) return definition;
  throw new Refusal(findings.slice(0, MOST_TOLD).map(toReason));
}

function toReason({ line, path, message }: ProgramFinding): RefusalReason {
  const field = ['source', ...path.split('.').filter((part) => part !== '')];
  // The catalogue's sentence ends by itself.
  const details = { line, finding: message.replace(/[\s.:]+$/, '') };
  return { code: 'PROGRAM_INVALID', field, details };
}
