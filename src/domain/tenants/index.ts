export { ApiKeyResolver } from './api-key.resolver.ts';
export { ApiKeyService } from './api-key.service.ts';
export { findDailyState, finishDay } from './daily-run.repository.ts';
export { ApiKey, DailyRun, Tenant, TenantDirectory, TenantFeed } from './tenant.entity.ts';
export { tenantErrors } from './tenant.errors.ts';
export { TenantService } from './tenant.service.ts';
export { carryOut } from './tenant-act.ts';
export { TestClockResolver } from './test-clock.resolver.ts';
export { TestClockService } from './test-clock.service.ts';
