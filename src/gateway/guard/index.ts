export { type Admitted, Guard, InvalidVariables } from './admit.ts';
export { type Authenticated, Authenticator, type Credentials, callerId, tokenKeys } from './authenticate.ts';
export { InvalidDocument } from './document.ts';
