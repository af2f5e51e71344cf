export {
  type AccessTokens,
  type AccessTokensOptions,
  type AccessTokenSubject,
  createAccessTokens,
  type SignedAccessToken,
  type VerifiedToken,
} from './access-tokens.ts';
export { createFamilies, type Families, type FamiliesOptions, type Session } from './families.ts';
export { type HashingStats } from './hashing-queue.ts';
export { checkNewPassword, type PasswordRules } from './password-rules.ts';
export {
  createPasswordHasher,
  type PasswordCheck,
  type PasswordHasher,
  type PasswordHasherOptions,
} from './passwords.ts';
export {
  hashingOverloaded,
  identityProblems,
  invalidTokenHeaders,
  passwordNotText,
  passwordTooLong,
  refreshInvalid,
  refreshReused,
  tokenExpired,
  tokenInvalid,
} from './problems.ts';
export { type Revocations, type RevocationsOptions, watchRevocations } from './revocations.ts';
export { type IssuedRefresh, refusalOf, type Rotation } from './rotation.ts';
export { authenticator } from './authenticator.ts';
export { namedKeys, type SigningKey } from './signing-keys.ts';
export { type StoredPassword } from './stored-password.ts';
