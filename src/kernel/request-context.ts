import type { Language } from './errors.ts';

export type Role = 'STAFF' | 'MEMBER' | 'DEVELOPER';

/** Who calls, as the guard recognised them. */
export interface Caller {
  readonly role: Role;
  /** The member that a MEMBER caller is (stored key); null for others. */
  readonly memberKey: string | null;
  /** The extension that a DEVELOPER works on (stored key). */
  readonly extensionKey?: string | null;
  /** What an audit names: an API key's public id, or a token's subject. */
  readonly subject: string;
  /** When the credentials end; null when they don't. */
  readonly expiresAt: Date | null;
}

/** What every use case is told about the request that it serves. Always the first parameter. */
export interface RequestContext {
  readonly requestId: string;
  readonly tenantKey: string;
  readonly caller: Caller;
  readonly language: Language;
}

/** True when the caller may see and act on this member: staff on all, a member on themselves. */
export function mayActOn(ctx: RequestContext, memberKey: string): boolean {
  return ctx.caller.role === 'STAFF' || ctx.caller.memberKey === memberKey;
}
