export { type SettleParts, settleAll, settleTenant, startSettling } from './settle.ts';
