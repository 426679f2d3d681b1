export { Benefit, Grant, GrantConnection, GrantStatus } from './benefit.entity.ts';
export { type BenefitLoaders, createBenefitLoaders } from './benefit.repository.ts';
export { BenefitResolver, GrantResolver } from './benefit.resolver.ts';
