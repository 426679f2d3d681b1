import { operatorContext } from '../../src/boot/index.ts';
import type { Application } from '../../src/compose.ts';
import { IdentityKind } from '../../src/domain/members/index.ts';
import type { ProgramDefinition } from '../../src/domain/programs/index.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
import type { RequestContext } from '../../src/kernel/request-context.ts';
import { definitionOf, exampleText } from './programs.ts';

/** A tenant that a test works on. */
export interface TestTenant {
  readonly tenantKey: string;
  /** The operator's context. */
  readonly ctx: RequestContext;
}

/** Makes a sandbox tenant with the demo program, or another one. */
export async function newTenant(
  { services }: Application,
  code: string,
  definition: ProgramDefinition = definitionOf(exampleText('demo')),
): Promise<TestTenant> {
  const name = { en: code };
  const { tenantKey } = await services.tenants.create({ code, name, locale: 'en', sandbox: true });
  await services.programs.apply(tenantKey, definition, 'a test');
  return { tenantKey, ctx: operatorContext(tenantKey, 'a test') };
}

/** Enrols a member by a card of this number; answers the public id. */
export async function enrolMember(
  { services }: Application,
  { ctx }: TestTenant,
  card: string,
): Promise<string> {
  const { member } = await services.members.create(ctx, {
    idempotencyKey: `enrol-${card}`,
    identities: [{ kind: IdentityKind.CARD, value: card }],
  });
  return toPublicId('member', member.memberKey);
}

/** The tenant's clock shows this moment, RFC 3339, and goes on from there. */
export async function setClock({ database }: Application, tenantKey: string, moment: string): Promise<void> {
  await database.unitOfWork(tenantKey, (em) =>
    em.execute('update tenant set clock_offset = ?::timestamptz - now() where tenant_id = ?', [
      moment,
      tenantKey,
    ]),
  );
}

/** What came of each of many requests that ran at once: `done`, or the code of the refusal. */
export async function outcomesOf(running: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const settled = await Promise.allSettled(running);
  const outcomes: Record<string, number> = {};
  for (const one of settled) {
    if (one.status === 'rejected' && !(one.reason instanceof Refusal)) throw one.reason;
    const outcome = one.status === 'fulfilled' ? 'done' : (one.reason as Refusal).message;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return outcomes;
}
