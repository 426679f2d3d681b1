export { ApiKey, Tenant, TenantDirectory, TenantFeed } from './tenant.entity.ts';
export { tenantErrors } from './tenant.errors.ts';
export type { TenantFacts } from './tenant.repository.ts';
export { TenantService } from './tenant.service.ts';
