import type { Command } from 'commander';
import { text } from '../texts.ts';
import { addCreateCommand } from './create.ts';
import { addDevCommand } from './dev.ts';
import { addDoctorCommand } from './doctor.ts';

/** Commands for authors of plugins. */
export function addPluginCommands(cli: Command, say: (line: string) => void): void {
  const plugin = cli.command('plugin').description(text('plugin.about'));
  addCreateCommand(plugin, say);
  addDevCommand(plugin, say);
  addDoctorCommand(plugin, say);
}
