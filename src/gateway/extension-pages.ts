import { z } from 'zod';
import {
  DEADLINE_MS,
  type ExtensionPoint,
  type FailurePolicy,
  FIRST_VERSION,
  type PointKind,
} from '../extension/index.ts';

/** How a point is answered in each runtime; text of real files, included as it is. */
export interface PointExamples {
  readonly plugin: string;
  readonly http: string;
  readonly sandbox: string;
}

/** JSON Schema, as far as pages show it. */
interface Shape {
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly description?: string;
  readonly pii?: boolean;
}

const HEADER = '<!-- Written by `npm run schema:emit` from the code; change that, not this. -->';

const KINDS: Record<PointKind, string> = {
  ASKED: 'ASKED: before something is done, and everybody’s answer counts.',
  DELEGATED: 'DELEGATED: the first answer that says something is what happens, and nobody else is asked.',
  TOLD: 'TOLD: after it was done; the answer changes nothing.',
};

const FAILURES: Record<ExtensionPoint['onThrow'], string> = {
  FAIL_CLOSED: 'FAIL_CLOSED: nothing is done, and the caller reads EXTENSION_UNAVAILABLE.',
  FAIL_OPEN: 'FAIL_OPEN: it is as if the neutral answer had come.',
};

/** What failing comes to where nobody waits for the answer. */
const UNHEARD: Record<ExtensionPoint['onThrow'], string> = {
  FAIL_CLOSED: 'FAIL_CLOSED: it is told again; nobody is refused anything.',
  FAIL_OPEN: 'FAIL_OPEN: it isn’t told again.',
};
const ASKED_AGAIN = 'It is asked again, and no registration can say otherwise.';

const FORMATS: Record<string, string> = { 'date-time': 'moment, RFC 3339', date: 'date, `YYYY-MM-DD`' };

/** What a point is, for whoever wants to answer it. */
export function pointPage(point: ExtensionPoint, { plugin, http, sandbox }: PointExamples): string {
  const { name, version, since = FIRST_VERSION, description, kind, onThrow, neutral, example } = point;
  const failures = kind === 'TOLD' ? UNHEARD : FAILURES;
  const otherwise = `${failures[onThrow]} A registration may say otherwise.`;
  return `${[
    HEADER,
    `# ${name}`,
    description,
    [
      '| | |',
      '|---|---|',
      `| version | ${version}: [JSON Schema](../../schema/extension-points/${name}.v${version}.json) |`,
      `| since | ${since} |`,
      `| how it stands to what happens | ${KINDS[kind]} |`,
      `| a throw, a late answer, one of another shape | ${point.keepsRecord === true ? ASKED_AGAIN : otherwise} |`,
      `| the neutral answer | \`${JSON.stringify(neutral)}\` |`,
    ].join('\n'),
    '## Input',
    fieldTable(point.input),
    '## Output',
    fieldTable(point.output),
    'More fields may come in the input, and none may go. In the output, a field that isn’t here is a failure.',
    '## Example',
    block('json', JSON.stringify(example.input, null, 2)),
    'is answered by',
    block('json', JSON.stringify(example.output, null, 2)),
    '## A plugin',
    'Of the operator, in the gateway’s own process: [how plugins are written](../../plugins/README.md).',
    block('ts', plugin.replace(/'(\.\.\/)+src\//g, "'../../src/")),
    '## A webhook',
    'A service of your own, in any language: [receivers to begin with](../examples/webhook-receiver/README.md). ' +
      'The body is shown in lines; it is sent, and signed, without blanks between its parts. What signed this one ' +
      'is `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`, so that you can try your own check.',
    block('http', http),
    '## Uploaded code',
    'JavaScript, or TypeScript whose types can be left out. Its default export is asked, and may be asynchronous.',
    block('js', sandbox),
  ].join('\n\n')}\n`;
}

const KIND_HEADS: Record<PointKind, string> = {
  ASKED: 'Asked before something is done',
  DELEGATED: 'Delegated',
  TOLD: 'Told afterwards',
};

/** The list of all points. */
export function pointIndex(points: readonly ExtensionPoint[]): string {
  const kinds = (Object.keys(KIND_HEADS) as PointKind[]).filter((kind) =>
    points.some((point) => point.kind === kind),
  );
  return `${[
    HEADER,
    '# Extension points',
    'An extension point is a typed question that the product asks: JSON in, JSON out, no side effects on our ' +
      'data. What comes back is a proposal, which is checked and then carried out, or not. Plugins, webhooks ' +
      'and uploaded code answer the same points in the same words.',
    `An answer is waited for ${DEADLINE_MS} ms, unless a registration says otherwise. What is meant where none comes, ` +
      'and what callers see then, is in [When an extension fails](../guides/failure-policies.md); how to write ' +
      'one, in [Extensions](../guides/extensions.md).',
    ...kinds.flatMap((kind) => kindSection(kind, points)),
    'The code in the pages is in [docs/examples/extension-points](../examples/extension-points); tests run it. ' +
      'Larger ones: [plugins](../../plugins/README.md), [tea-lovers](../examples/tea-lovers/README.md) ' +
      '(uploaded code) and [crm-sync](../examples/crm-sync/README.md) (a webhook).',
  ].join('\n\n')}\n`;
}

/** The points of one kind, with what is the same for nobody else. */
function kindSection(kind: PointKind, points: readonly ExtensionPoint[]): string[] {
  const rows = points
    .filter((point) => point.kind === kind)
    .map((point) => {
      const { name, version, since = FIRST_VERSION, description } = point;
      return `| [${name}](${name}.md) | ${version} | ${since} | ${policiesOf(point)} | ${cell(description)} |`;
    });
  const head = '| point | version | since | `onFailure`, its own first | |';
  return [`## ${KIND_HEADS[kind]}`, KINDS[kind], [head, '|---|---|---|---|---|', ...rows].join('\n')];
}

function policiesOf({ onThrow: own, keepsRecord }: ExtensionPoint): string {
  const policies: readonly FailurePolicy[] =
    keepsRecord === true ? [own] : ['FAIL_CLOSED', 'FAIL_OPEN', 'DEFAULT'];
  return [`**${own}**`, ...policies.filter((policy) => policy !== own)].join(', ');
}

function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}

function fieldTable(schema: z.ZodType): string {
  const rows = fieldRows(z.toJSONSchema(schema, { io: 'input' }) as Shape, '');
  return ['| field | type | meaning |', '|---|---|---|', ...rows].join('\n');
}

/** A row for each field, and below it those for the fields within. */
function fieldRows(shape: Shape, prefix: string): string[] {
  const { properties = {}, required = [] } = inner(shape);
  return Object.entries(properties).flatMap(([key, field]) => {
    const path = `${prefix}${key}`;
    const type = `${typeOf(field)}${required.includes(key) ? '' : ', may be missing'}`;
    const meaning = `${field.description ?? ''}${isPersonal(field) ? ' Personal data.' : ''}`;
    const within = inner(field).items === undefined ? `${path}.` : `${path}[].`;
    return [`| \`${path}\` | ${cell(type)} | ${cell(meaning)} |`, ...fieldRows(field, within)];
  });
}

/** What a value is, without "or null" and, for a list, of what. */
function inner(shape: Shape): Shape {
  const alternative = shape.anyOf?.find(({ type }) => type !== 'null');
  if (alternative !== undefined) return inner(alternative);
  return shape.items === undefined ? shape : { ...inner(shape.items), items: shape.items };
}

function isPersonal(shape: Shape): boolean {
  return shape.pii === true || (shape.anyOf ?? []).some(isPersonal);
}

function typeOf(shape: Shape): string {
  if (shape.anyOf !== undefined) return shape.anyOf.map(typeOf).join(' or ');
  if (shape.items !== undefined) {
    const most = shape.maxItems === undefined ? '' : `at most ${shape.maxItems}, `;
    return `list (${most}each ${typeOf(shape.items)})`;
  }
  if (shape.enum !== undefined) return `one of ${shape.enum.map((value) => `\`${value}\``).join(', ')}`;
  if (shape.format !== undefined) return FORMATS[shape.format] ?? shape.format;
  if (shape.pattern !== undefined) return `string, \`${shape.pattern}\``;
  if (shape.maxLength !== undefined) {
    return `string, ${shape.minLength === undefined ? 'at most' : `${shape.minLength} to`} ${shape.maxLength}`;
  }
  return [shape.type ?? 'any JSON'].flat().join(' or ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
