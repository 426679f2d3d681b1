import { definitionOf, exampleText } from '../ledger/programs.ts';
import type { TestGateway } from './gateway.ts';

/** A rule as a program file says it; its name is its code when it has no other. */
export type TestRule = Readonly<Record<string, unknown>> & { readonly code: string };

/** The text of the demo program with other rules. */
export function demoWithRules(rules: readonly TestRule[]): string {
  const named = rules.map((rule) => ({ name: { en: rule.code }, ...rule }));
  return `${exampleText('demo').split('rules:\n')[0] ?? ''}rules: ${JSON.stringify(named, null, 1)}\n`;
}

/** A posting of points, with what more is said of it. */
export function points(amount: unknown, asset = 'points'): { postings: object[] } {
  return { postings: [{ asset, amount }] };
}

/** Puts a program in force for the demo tenant; answers its version. */
export async function applyProgram({ application, tenantKey }: TestGateway, source: string): Promise<number> {
  const { programs } = application.services;
  return (await programs.apply(tenantKey, definitionOf(source), 'test')).version;
}
