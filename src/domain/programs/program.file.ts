import { isMap, LineCounter, type ParsedNode, parseDocument, stringify } from 'yaml';
import { definitionSchema, type ProgramDefinition } from './program.schema.ts';
import { findFaults } from './program-faults.policy.ts';

const programSchema = definitionSchema.superRefine((program, context) => {
  for (const { path, message } of findFaults(program)) {
    context.addIssue({ code: 'custom', path: [...path], message });
  }
});

/** What is wrong in a program file, and where. */
export interface ProgramFinding {
  readonly line: number;
  readonly path: string;
  readonly message: string;
}

export type ParsedProgram =
  | { readonly definition: ProgramDefinition; readonly findings: readonly [] }
  | { readonly definition: null; readonly findings: readonly ProgramFinding[] };

const MOST_ALIASES = 100;

/** Reads a program file; a bad one is refused whole, with the line and path of every fault. */
export function parseProgram(source: string): ParsedProgram {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    const findings = document.errors.map((error) => ({
      line: lines.linePos(error.pos[0]).line,
      path: '',
      message: error.message.split('\n')[0] ?? error.message,
    }));
    return { definition: null, findings };
  }
  let plain: unknown;
  try {
    plain = document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { definition: null, findings: [{ line: 1, path: '', message }] };
  }
  const parsed = programSchema.safeParse(plain);
  if (parsed.success) return { definition: parsed.data, findings: [] };
  const findings = parsed.error.issues.flatMap((issue) => {
    const path = issue.path.flatMap((part): (string | number)[] =>
      typeof part === 'number' ? [part] : String(part).split('.'),
    );
    // An unknown key is told where it stands, not where its parent does.
    const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
    return paths.map((own) => ({
      line: lines.linePos(offsetOf(document.contents, own)).line,
      path: own.join('.'),
      message: issue.message,
    }));
  });
  return { definition: null, findings };
}

/** Where the deepest existing node of a path begins. */
function offsetOf(root: ParsedNode | null, path: readonly (string | number)[]): number {
  let node: unknown = root;
  let offset = root?.range[0] ?? 0;
  for (const part of path) {
    const collection = node as { get?: (key: unknown, keepNode: true) => unknown } | null;
    if (typeof collection?.get !== 'function') break;
    const next = collection.get(part, true) as ParsedNode | undefined;
    if (next?.range === undefined || next.range === null) break;
    offset = keyOffset(node, part) ?? next.range[0];
    node = next;
  }
  return offset;
}

function keyOffset(node: unknown, part: string | number): number | null {
  if (!isMap(node)) return null;
  const pair = node.items.find(({ key }) => (key as { value?: unknown }).value === part);
  return (pair?.key as ParsedNode | undefined)?.range?.[0] ?? null;
}

/** A program as a file. What it says, applied and exported again, is the same text. */
export function formatProgram(definition: ProgramDefinition): string {
  return stringify(definitionSchema.parse(definition), { lineWidth: 0, aliasDuplicateObjects: false });
}
