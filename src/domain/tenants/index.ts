export { ApiKey, Tenant, TenantDirectory, TenantFeed } from './tenant.entity.ts';
export { tenantErrors } from './tenant.errors.ts';
export { TenantService } from './tenant.service.ts';
