import { type Command, Option } from 'commander';
import { layOver } from '../domain/extensions/index.ts';
import { type ExtensionPoint, extensionPoints } from '../extension/index.ts';
import { type Checked, checkReceiver, isWebhookSecret, newWebhookSecret } from '../plugin-host/index.ts';
import { sampleOf, wholeNumber } from './extension-session.ts';
import { CommandFailure, explainReason } from './session.ts';
import { text } from './texts.ts';

const DEADLINE_MS = 500;

interface ConformanceOptions {
  readonly point: string;
  readonly secret?: string;
  readonly sample?: string;
  readonly deadline: number;
  readonly live: boolean;
}

/** Needs neither database nor gateway: the author of a receiver runs it wherever they work. */
export function addConformanceCommand(extension: Command, say: (line: string) => void): void {
  extension
    .command('conformance')
    .description(text('conformance.about'))
    .argument('<url>', text('conformance.url'))
    .requiredOption('--point <point>', text('conformance.point'))
    .addOption(new Option('--secret <secret>', text('conformance.secretOption')).env('SIGNING_SECRET'))
    .option('--sample <json>', text('conformance.sample'))
    .option('--deadline <ms>', text('conformance.deadline'), wholeNumber, DEADLINE_MS)
    .option('--live', text('conformance.live'), false)
    .action(
      async (url: string, { secret: given, deadline: deadlineMs, live, ...options }: ConformanceOptions) => {
        const point = pointNamed(options.point);
        const input = inputOf(point, await sampleOf(options.sample));
        const secret = newestOf(given);
        const receiver = { url: withScheme(url), secret, point, input, deadlineMs, live };
        const { made, failed } = await checkReceiver(receiver, (checked) => say(lineOf(checked)));
        say(text('conformance.unseen'));
        if (failed > 0) throw new CommandFailure(text('conformance.failed', { made, failed }));
        say(text('conformance.done', { made }));
      },
    );
}

/** @throws CommandFailure */
export function pointNamed(name: string): ExtensionPoint {
  const point = extensionPoints.find((one) => one.name === name);
  if (point !== undefined) return point;
  const points = extensionPoints.map((one) => one.name).join(', ');
  throw new CommandFailure(text('conformance.pointUnknown', { point: name, points }));
}

/** A sample laid over the point's example. @throws CommandFailure when that is no input of the point */
export function inputOf(point: ExtensionPoint, sample: unknown): unknown {
  const input = sample === undefined ? point.example.input : layOver(point.example.input, sample);
  const { data, error } = point.input.safeParse(input);
  if (error === undefined) return data;
  const [{ path, message } = { path: [], message: '' }] = error.issues;
  const details = { point: point.name, path: path.join('.') || '.', problem: message.replace(/\.$/, '') };
  throw new CommandFailure(text('conformance.sampleBad', details));
}

/** Of two that are being rotated, the first. @throws CommandFailure when there is none */
function newestOf(given: string | undefined): string {
  const [secret] = given?.split(' ').filter(Boolean) ?? [];
  if (secret === undefined) {
    throw new CommandFailure(text('conformance.secretless', { secret: newWebhookSecret() }));
  }
  if (!isWebhookSecret(secret)) throw new CommandFailure(text('conformance.secretBad'));
  return secret;
}

function withScheme(url: string): string {
  return /^\w+:\/\//.test(url) ? url : `http://${url}`;
}

/** Those of which a failure may be that an answer fits, and is another one than before. */
const SAME = ['idempotent', 'knownAgain', 'liveOnce', 'liveKnownAgain'] as const;

function lineOf({ name, seen }: Checked): string {
  if (seen === null) return `✓ ${text(`conformance.${name}`)}`;
  const { why, status } = seen;
  const isSame = SAME.some((one) => one === name);
  const what =
    why !== null && why.code !== 'WEBHOOK_STATUS'
      ? explainReason({ ...why, field: null }).replace(/[.。]$/, '')
      : why === null && isSame
        ? text('conformance.differs')
        : text('conformance.status', { status: status ?? 0 });
  return `✗ ${text(`conformance.${name}.mend`, { seen: what })}`;
}
