import { type Command, Option } from 'commander';
import { type AssetTotals, type Breaches, LAWS, type Liability } from '../domain/audit/index.ts';
import { toPublicId } from '../kernel/ids.ts';
import { momentOf } from './moment.ts';
import { CommandFailure, inSession, type Session, tenantNamed } from './session.ts';
import { currentLanguage, text } from './texts.ts';

type Say = (line: string) => void;

interface AuditOptions {
  readonly tenant?: string;
  /** True when the option was given without a moment. */
  readonly rebuildAt?: string | true;
  readonly liability?: true;
  readonly at?: string;
  readonly seal?: true;
  readonly verifyChain?: true;
  readonly head?: string;
}

interface Audited {
  readonly key: string;
  readonly code: string;
}

export function addAuditCommand(cli: Command, say: Say): void {
  cli
    .command('audit')
    .description(text('audit.about'))
    .option('--tenant <code>', text('audit.tenant'))
    .addOption(
      new Option('--rebuild-at [time]', text('audit.rebuildAt')).conflicts([
        'liability',
        'seal',
        'verifyChain',
        'at',
      ]),
    )
    .addOption(new Option('--liability', text('audit.liability')).conflicts(['seal', 'verifyChain']))
    .addOption(new Option('--at <time>', text('audit.at')).implies({ liability: true }))
    .addOption(new Option('--seal', text('audit.seal')).conflicts('verifyChain'))
    .option('--verify-chain', text('audit.verifyChain'))
    .addOption(new Option('--head <position:hash>', text('audit.head')).implies({ verifyChain: true }))
    .action(async (options: AuditOptions) => {
      const { rebuildAt } = options;
      const moment = typeof rebuildAt === 'string' ? rebuildAt : options.at;
      const at = moment === undefined ? null : momentOf(moment);
      await inSession(async (session) => {
        const tenants = await tenantsOf(session, options.tenant);
        if (rebuildAt !== undefined) await rebuild(session, tenants, at, say);
        else if (options.liability) await tellLiabilities(session, tenants, at, say);
        else if (options.seal) await seal(session, tenants, say);
        else if (options.verifyChain) await verifyChain(session, tenants, options.head, say);
        else await checkLaws(session, tenants, say);
      });
    });
}

async function tenantsOf(session: Session, code: string | undefined): Promise<readonly Audited[]> {
  if (code === undefined) return await session.application.services.tenants.list();
  return [{ key: await tenantNamed(session, code), code }];
}

/** What goes on is said beside the findings, which may go to a file. */
function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function checkLaws({ application }: Session, tenants: readonly Audited[], say: Say): Promise<void> {
  const { audit } = application.services;
  let violations = 0n;
  for (const [index, law] of LAWS.entries()) {
    const says = law.says[currentLanguage()];
    const startedAt = performance.now();
    for (const { key, code } of tenants)
      violations += sayBreaches(say, `${code}: ${law.code}: ${says}`, await audit.check(key, law));
    const ms = Math.round(performance.now() - startedAt);
    progress(text('audit.progress', { number: index + 1, laws: LAWS.length, law: law.code, ms }));
  }
  let entries = 0n;
  for (const { key } of tenants) entries += await audit.countEntries(key);
  const counts = { laws: LAWS.length, entries: String(entries), tenants: tenants.length };
  if (violations > 0n)
    throw new CommandFailure(text('audit.broken', { ...counts, count: String(violations) }));
  say(text('audit.holds', counts));
}

async function rebuild(
  { application }: Session,
  tenants: readonly Audited[],
  at: Date | null,
  say: Say,
): Promise<void> {
  let violations = 0n;
  for (const { key, code } of tenants) {
    const { totals, breaches } = await application.services.audit.rebuild(key, at);
    for (const one of totals) say(`${code}: ${describeTotals(one)}`);
    violations += sayBreaches(say, `${code}: ${text('audit.rebuild.differs')}`, breaches);
  }
  if (violations > 0n) throw new CommandFailure(text('audit.rebuild.broken', { count: String(violations) }));
  say(text('audit.rebuild.holds', { moment: at?.toISOString() ?? text('audit.now') }));
}

function describeTotals({ asset, ledgers, posted, pending, held }: AssetTotals): string {
  return text('audit.rebuild.totals', {
    asset,
    ledgers: String(ledgers),
    posted: String(posted),
    pending: String(pending),
    held: String(held),
  });
}

/** Says each breach in a line, and how many more there are; answers how many there are in all. */
function sayBreaches(say: Say, what: string, { count, named }: Breaches): bigint {
  for (const one of named) say(`${what}: ${one}`);
  const more = count - BigInt(named.length);
  if (more > 0n) say(`${what}: ${text('audit.more', { count: String(more) })}`);
  return count;
}

async function tellLiabilities(
  { application }: Session,
  tenants: readonly Audited[],
  at: Date | null,
  say: Say,
): Promise<void> {
  for (const { key, code } of tenants) {
    for (const one of await application.services.audit.liabilities(key, at))
      for (const line of describeLiability(one)) say(`${code}: ${line}`);
  }
}

function describeLiability({ asset, at, ...amounts }: Liability): string[] {
  const spelled = Object.entries(amounts).map(([name, amount]) => [name, String(amount)]);
  const values = { asset, at: at.toISOString(), ...Object.fromEntries(spelled) };
  const hasPortions = amounts.paid > 0n || amounts.bonus > 0n;
  return [
    text('audit.liability.is', values),
    ...(hasPortions ? [text('audit.liability.portions', values)] : []),
  ];
}

async function seal({ application }: Session, tenants: readonly Audited[], say: Say): Promise<void> {
  for (const { key, code } of tenants)
    say(`${code}: ${text('audit.sealed', { count: await application.proof.seal(key) })}`);
}

async function verifyChain(
  { application }: Session,
  tenants: readonly Audited[],
  noted: string | undefined,
  say: Say,
): Promise<void> {
  if (noted !== undefined && tenants.length !== 1) throw new CommandFailure(text('audit.headOfOne'));
  let broken = 0;
  for (const { key, code } of tenants) {
    const { sealed, head, fault, hasNoted } = await application.proof.verify(key, noted);
    if (fault !== null) {
      const operation = toPublicId('operation', fault.operationKey);
      say(`${code}: ${text(`audit.chain.${fault.what}`, { operation, position: String(fault.position) })}`);
    } else if (!hasNoted) {
      say(`${code}: ${text('audit.chain.noHead', { head: noted ?? '' })}`);
    } else {
      say(`${code}: ${text('audit.chain.holds', { count: sealed, head: head ?? '-' })}`);
      continue;
    }
    broken += 1;
  }
  if (broken > 0) throw new CommandFailure(text('audit.chain.broken', { count: broken }));
}
