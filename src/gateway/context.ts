import {
  type ActivityLoaders,
  type ActivityService,
  createActivityLoaders,
} from '../domain/activities/index.ts';
import type { AuditService } from '../domain/audit/index.ts';
import { type BenefitLoaders, type BenefitService, createBenefitLoaders } from '../domain/benefits/index.ts';
import type { EndpointServices } from '../domain/endpoints/index.ts';
import {
  createExtensionLoaders,
  type ExtensionLoaders,
  type ExtensionServices,
} from '../domain/extensions/index.ts';
import {
  createLedgerLoaders,
  type HoldService,
  type LedgerLoaders,
  type LedgerService,
  type MirrorService,
  type RecordReading,
  type RecordSource,
  type ReversalService,
  type StoredValueService,
  type TransferService,
} from '../domain/ledgers/index.ts';
import type { FeedEventService, LiveService } from '../domain/live/index.ts';
import {
  createMemberLoaders,
  createProfileLoader,
  type MemberCodeService,
  type MemberLoaders,
  type MemberMergeService,
  type MemberProfiles,
  type MemberService,
  type ProfileLoader,
} from '../domain/members/index.ts';
import type { ProgramService } from '../domain/programs/index.ts';
import type { ReconciliationService } from '../domain/reconciliation/index.ts';
import type { ApiKeyService, TenantService, TestClockService } from '../domain/tenants/index.ts';
import {
  createTierLoaders,
  type TierLists,
  type TierLoaders,
  type TierService,
} from '../domain/tiers/index.ts';
import type { RequestContext } from '../kernel/request-context.ts';
import type { Database } from '../persistence/index.ts';
import type { PluginParts } from '../plugin-host/index.ts';

/** The use cases that resolvers call. */
export interface Services extends ExtensionServices, EndpointServices {
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
  readonly mirrors: MirrorService;
  readonly records: RecordReading;
  readonly reconciliation: ReconciliationService;
  readonly members: MemberService;
  readonly memberCodes: MemberCodeService;
  readonly memberProfiles: MemberProfiles;
  readonly memberMerges: MemberMergeService;
  readonly activities: ActivityService;
  readonly benefits: BenefitService;
  readonly tiers: TierService;
  readonly tierLists: TierLists;
  readonly live: LiveService;
  readonly feedEvents: FeedEventService;
  readonly pluginParts: PluginParts;
}

/** What resolvers are handed: who asks, the use cases, and the batched reads of this operation. */
export interface GatewayContext {
  readonly request: RequestContext;
  readonly services: Services;
  readonly loaders: {
    readonly members: MemberLoaders;
    readonly profiles: ProfileLoader;
    readonly ledgers: LedgerLoaders;
    readonly benefits: BenefitLoaders;
    readonly activities: ActivityLoaders;
    readonly tiers: TierLoaders;
    readonly extensions: ExtensionLoaders;
  };
}

/**
 * The context of one operation.
 * @param isEvent whether it shows an event: that is of our own entries, and no other system is asked
 */
export function createContext(
  request: RequestContext,
  services: Services,
  database: Database,
  isEvent = false,
): GatewayContext {
  const { tenantKey } = request;
  const sql = database.read(tenantKey);
  const { programs, records } = services;
  const recordSource: RecordSource | undefined = isEvent
    ? undefined
    : {
        recent: async (ledgers) =>
          await records.recent(tenantKey, await programs.inForce(tenantKey), ledgers),
        log: async (ledger, page) =>
          await records.log(tenantKey, await programs.inForce(tenantKey), ledger, page),
      };
  return {
    request,
    services,
    loaders: {
      members: createMemberLoaders(sql, tenantKey),
      profiles: createProfileLoader(services.memberProfiles, request),
      ledgers: createLedgerLoaders(sql, tenantKey, recordSource),
      activities: createActivityLoaders(sql, tenantKey),
      benefits: createBenefitLoaders(sql, tenantKey),
      tiers: createTierLoaders(sql, tenantKey, services.programs),
      extensions: createExtensionLoaders(sql, tenantKey),
    },
  };
}
