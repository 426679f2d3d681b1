import {
  type ActivityLoaders,
  type ActivityService,
  createActivityLoaders,
} from '../domain/activities/index.ts';
import type { AuditService } from '../domain/audit/index.ts';
import { type BenefitLoaders, type BenefitService, createBenefitLoaders } from '../domain/benefits/index.ts';
import {
  createLedgerLoaders,
  type HoldService,
  type LedgerLoaders,
  type LedgerService,
  type ReversalService,
  type StoredValueService,
  type TransferService,
} from '../domain/ledgers/index.ts';
import {
  createMemberLoaders,
  type MemberLoaders,
  type MemberMergeService,
  type MemberService,
} from '../domain/members/index.ts';
import type { PointEventService } from '../domain/point-events/index.ts';
import type { ProgramService } from '../domain/programs/index.ts';
import type { ApiKeyService, TenantService, TestClockService } from '../domain/tenants/index.ts';
import { createTierLoaders, type TierLoaders, type TierService } from '../domain/tiers/index.ts';
import type { RequestContext } from '../kernel/request-context.ts';
import type { Database } from '../persistence/index.ts';

/** The use cases that resolvers call. */
export interface Services {
  readonly tenants: TenantService;
  readonly apiKeys: ApiKeyService;
  readonly testClock: TestClockService;
  readonly audit: AuditService;
  readonly programs: ProgramService;
  readonly ledgers: LedgerService;
  readonly holds: HoldService;
  readonly reversals: ReversalService;
  readonly transfers: TransferService;
  readonly storedValue: StoredValueService;
  readonly members: MemberService;
  readonly memberMerges: MemberMergeService;
  readonly activities: ActivityService;
  readonly benefits: BenefitService;
  readonly tiers: TierService;
  readonly pointEvents: PointEventService;
}

/** What resolvers are handed: who asks, the use cases, and the batched reads of this operation. */
export interface GatewayContext {
  readonly request: RequestContext;
  readonly services: Services;
  readonly loaders: {
    readonly members: MemberLoaders;
    readonly ledgers: LedgerLoaders;
    readonly benefits: BenefitLoaders;
    readonly activities: ActivityLoaders;
    readonly tiers: TierLoaders;
  };
}

/**
 * The context of one operation.
 * @param remember whether loaders keep what they loaded: not for subscriptions, which outlive what they saw
 */
export function createContext(
  request: RequestContext,
  services: Services,
  database: Database,
  remember = true,
): GatewayContext {
  const { tenantKey } = request;
  const sql = database.read(tenantKey);
  return {
    request,
    services,
    loaders: {
      members: createMemberLoaders(sql, tenantKey, remember),
      ledgers: createLedgerLoaders(sql, tenantKey, remember),
      activities: createActivityLoaders(sql, tenantKey, remember),
      benefits: createBenefitLoaders(sql, tenantKey, remember),
      tiers: createTierLoaders(sql, tenantKey, services.programs, remember),
    },
  };
}
