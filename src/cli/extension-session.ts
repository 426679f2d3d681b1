import { readFile } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import { operatorContext } from '../boot/index.ts';
import { toPublicId } from '../kernel/ids.ts';
import type { RequestContext } from '../kernel/request-context.ts';
import { CommandFailure, inSession, type Session, tenantNamed } from './session.ts';
import { currentLanguage, text } from './texts.ts';

/** A command that works for a tenant, as the operator. */
interface Asked extends Session {
  readonly ctx: RequestContext;
}

/** Runs a command for a tenant. @throws CommandFailure when there is no such tenant */
export async function forTenant(code: string, command: (asked: Asked) => Promise<void>): Promise<void> {
  await inSession(async (session) => {
    const ctx = operatorContext(await tenantNamed(session, code), 'cli');
    await command({ ...session, ctx: { ...ctx, language: currentLanguage() } });
  });
}

/** @throws CommandFailure when there is no such extension */
export async function extensionNamed({ application, ctx }: Asked, name: string) {
  const found = await application.services.extensionReads.findNamed(ctx, name);
  if (found === null) throw new CommandFailure(text('extension.unknown', { name }));
  return { ...found, extensionId: toPublicId('extension', found.extensionKey) };
}

/** @throws CommandFailure when it is no JSON */
export function jsonOf(json: string, what: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new CommandFailure(text('extension.badJson', { what }));
  }
}

/** A whole number, as an option takes it. */
export function wholeNumber(written: string): number {
  if (!/^-?\d{1,9}$/.test(written)) throw new InvalidArgumentError(text('extension.wholeNumber'));
  return Number(written);
}

/** @throws CommandFailure when the file can't be read, or it is no JSON */
export async function sampleOf(written: string | undefined): Promise<unknown> {
  if (written === undefined || !written.startsWith('@'))
    return written === undefined ? undefined : jsonOf(written, '--sample');
  const file = written.slice(1);
  const json = await readFile(file, 'utf8').catch(() => {
    throw new CommandFailure(text('import.noFile', { file }));
  });
  return jsonOf(json, file);
}
