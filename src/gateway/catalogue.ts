import { activityErrors } from '../domain/activities/index.ts';
import { benefitErrors } from '../domain/benefits/index.ts';
import { endpointErrors } from '../domain/endpoints/index.ts';
import { registrationErrors } from '../domain/extensions/index.ts';
import { ledgerErrors } from '../domain/ledgers/index.ts';
import { memberErrors } from '../domain/members/index.ts';
import { programErrors } from '../domain/programs/index.ts';
import { ruleErrors } from '../domain/rules/index.ts';
import { tenantErrors } from '../domain/tenants/index.ts';
import { tierErrors } from '../domain/tiers/index.ts';
import type { ErrorCatalogue } from '../kernel/errors.ts';
import { idempotencyErrors } from '../persistence/index.ts';
import { extensionErrors, sandboxErrors, webhookErrors } from '../plugin-host/index.ts';
import { gatewayErrors } from './gateway.errors.ts';

/** Every part of the error catalogue; each code stands in one of them. */
export const catalogueParts: readonly ErrorCatalogue[] = [
  gatewayErrors,
  idempotencyErrors,
  extensionErrors,
  webhookErrors,
  sandboxErrors,
  registrationErrors,
  tenantErrors,
  programErrors,
  ledgerErrors,
  memberErrors,
  activityErrors,
  benefitErrors,
  ruleErrors,
  tierErrors,
  endpointErrors,
];

/** The errors of the whole product: code → its message in every language. */
export const errorCatalogue: ErrorCatalogue = Object.assign({}, ...catalogueParts);
