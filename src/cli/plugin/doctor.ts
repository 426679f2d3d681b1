import type { Command } from 'commander';
import { loadConfig } from '../../config/index.ts';
import { diagnose } from '../../plugin-host/index.ts';
import { CommandFailure } from '../session.ts';
import { text } from '../texts.ts';

const MARKS = { ok: '✓', warning: '!', fault: '✗' } as const;

export function addDoctorCommand(plugin: Command, say: (line: string) => void): void {
  plugin
    .command('doctor')
    .description(text('plugin.doctor.about'))
    .argument('[plugins...]', text('plugin.doctor.plugins'))
    .action(async (given: readonly string[]) => {
      const found = await diagnose(given.length === 0 ? loadConfig().plugins : given);
      for (const { severity, code, details } of found)
        say(`${MARKS[severity]} ${text(`plugin.doctor.${code}`, details)}`);
      const count = found.filter(({ severity }) => severity === 'fault').length;
      if (count > 0) throw new CommandFailure(text('plugin.doctor.faults', { count }));
    });
}
