import type { Act, World } from './acts.ts';

/** What a sent request came to. */
export type Outcome =
  | { readonly became: 'DONE'; readonly body: string; readonly operations: readonly string[] }
  | { readonly became: 'REFUSED'; readonly codes: string }
  /** No answer, or one that leaves open whether it was done. */
  | { readonly became: 'UNKNOWN'; readonly why: string };

/** A request with what was answered at first. */
export interface Kept {
  readonly act: Act;
  readonly first: Outcome;
}

interface Operation {
  readonly id: string;
  readonly kind: string;
}

interface Payload {
  readonly operation?: Operation | null;
  readonly operations?: readonly Operation[];
  readonly results?: readonly { operation: Operation | null; userErrors: readonly { code: string }[] }[];
  readonly hold?: { readonly id: string } | null;
  readonly activity?: { readonly id: string; readonly type: string } | null;
  readonly userErrors?: readonly { code: string }[];
}

interface Answer {
  readonly data?: Record<string, Payload> | null;
  readonly errors?: readonly { message: string; extensions?: { code?: string } }[];
}

/** Far more than anything takes, also on a slow machine: what is still open then hangs. */
const HANGS_AFTER_MS = 60_000;

/** Sends over HTTP and notes what no client should ever meet. */
export class Client {
  readonly #url: string;
  readonly #key: string;
  /** What was wrong with answers, whatever they were about. */
  readonly violations: string[] = [];
  /** Whether the gateway itself is meant to be gone: then there may be no answer at all. */
  mayBeGone = false;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  async ask(query: string, variables: Readonly<Record<string, unknown>>): Promise<[Response, Answer]> {
    const response = await fetch(`${this.#url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': this.#key },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(HANGS_AFTER_MS),
    });
    return [response, (await response.json()) as Answer];
  }

  async send({ mutation, query, input }: Act): Promise<Outcome> {
    const gone = this.mayBeGone;
    try {
      const [response, answer] = await this.ask(query, { input });
      const [error] = answer.errors ?? [];
      if (error !== undefined) return this.#unknown(mutation, response, error);
      const payload = answer.data?.[mutation];
      if (payload === undefined) throw new Error(`an answer without data: ${JSON.stringify(answer)}`);
      const codes = (payload.userErrors ?? []).map(({ code }) => code);
      if (codes.length > 0) return { became: 'REFUSED', codes: codes.join(' ') };
      return { became: 'DONE', body: JSON.stringify(payload), operations: operationsOf(payload) };
    } catch (error) {
      const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      if ((error as Error).name === 'TimeoutError')
        this.violations.push(`${mutation} hangs: no answer in ${HANGS_AFTER_MS} ms`);
      else if (!gone && !this.mayBeGone)
        this.violations.push(`${mutation} got no answer, though the gateway is there: ${why}`);
      return { became: 'UNKNOWN', why };
    }
  }

  #unknown(
    mutation: string,
    response: Response,
    { message, extensions }: NonNullable<Answer['errors']>[number],
  ): Outcome {
    const why = `${response.status} ${extensions?.code}: ${message}`;
    // A database that is away is told as such, with the hint to come again.
    const isTold = response.status === 503 && extensions?.code === 'SERVICE_UNAVAILABLE';
    if (!isTold) this.violations.push(`${mutation} was answered with ${why}`);
    else if (response.headers.get('retry-after') === null)
      this.violations.push(`${mutation} was answered with 503 and no Retry-After`);
    return { became: 'UNKNOWN', why };
  }
}

function operationsOf({ operation, operations = [], results = [] }: Payload): string[] {
  const all = [operation, ...operations, ...results.map((one) => one.operation)];
  return all.flatMap((one) => (one === null || one === undefined ? [] : [one.id]));
}

/** What was acknowledged can be captured, reversed or refunded from now on. */
export function learn(world: World, { act, first }: Kept): void {
  if (first.became !== 'DONE') return;
  const { operation, hold, activity } = JSON.parse(first.body) as Payload;
  if (act.mutation === 'holdPoints' && hold) world.holds.push(hold.id);
  if (activity?.type === 'purchase') world.purchases.push(activity.id);
  if (operation && ['EARN', 'REDEEM', 'CAPTURE', 'TRANSFER'].includes(operation.kind))
    world.operations.push(operation.id);
}
