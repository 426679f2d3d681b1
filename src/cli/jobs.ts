import type { Command } from 'commander';
import { operatorContext } from '../boot/index.ts';
import { catchUpAll, reviewTenant, settleAll } from '../jobs/index.ts';
import { parseDuration } from '../kernel/calendar.ts';
import { newKey } from '../kernel/ids.ts';
import { CommandFailure, explain, inSession, tenantNamed } from './session.ts';
import { text } from './texts.ts';

type Say = (line: string) => void;

/** Commands that do now what the gateway does by itself. */
export function addJobCommands(cli: Command, say: Say): void {
  cli
    .command('settle')
    .description(text('settle.about'))
    .action(() =>
      inSession(async ({ application }) => {
        say(text('settle.done', { count: await settleAll(application.jobs) }));
      }),
    );
  cli
    .command('daily')
    .description(text('daily.about'))
    .action(() =>
      inSession(async ({ application }) => {
        const rounds = await catchUpAll(application.jobs);
        const failures = rounds.flatMap((one) =>
          'error' in one ? [text('daily.failed', { code: one.code, why: explain(one.error) })] : [],
        );
        say(text('daily.done', { count: rounds.length - failures.length }));
        if (failures.length > 0) throw new CommandFailure(failures.join('\n'));
      }),
    );
  cli
    .command('review')
    .description(text('review.about'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .action((options: { tenant: string }) =>
      inSession(async (session) => {
        const tenantKey = await tenantNamed(session, options.tenant);
        const { reviewed, changed } = await reviewTenant(session.application.jobs, tenantKey);
        say(text('review.done', { reviewed, changed }));
      }),
    );
}

export function addClockCommand(cli: Command, say: Say): void {
  cli
    .command('clock')
    .description(text('clock.about'))
    .command('advance')
    .description(text('clock.advance.about'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .requiredOption('--by <duration>', text('clock.advance.by'))
    .action((options: { tenant: string; by: string }) => {
      if (parseDuration(options.by) === null)
        throw new CommandFailure(text('clock.badDuration', { by: options.by }));
      return inSession(async (session) => {
        const tenantKey = await tenantNamed(session, options.tenant);
        const input = { idempotencyKey: `cli-${newKey()}`, by: options.by };
        const { testClock } = session.application.services;
        const now = await testClock.advance(operatorContext(tenantKey, 'cli'), input);
        say(text('clock.shows', { code: options.tenant, now: now.toISOString() }));
      });
    });
}
