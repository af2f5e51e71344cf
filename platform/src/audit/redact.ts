/** What of a resource must not stand in an audit row as it is. */
export interface RedactionRules {
  /** Never shown: password hashes, tokens. */
  readonly secret: readonly string[];
  /** Identifies a person: shown by its first character only. */
  readonly personal: readonly string[];
}

export type AuditValues = Readonly<Record<string, unknown>>;

/** The values of a resource as they may be kept. */
export function redact(values: AuditValues, rules: RedactionRules): AuditValues {
  return Object.fromEntries(Object.entries(values).map(([field, value]) => [field, redacted(field, value, rules)]));
}

/**
 * What an update changed, redacted: only the fields that differ. A secret or masked field that changed is named, and
 * what it was is not.
 */
export function changesOf(
  before: AuditValues,
  after: AuditValues,
  rules: RedactionRules,
): { readonly oldValues: AuditValues; readonly newValues: AuditValues } {
  const changed = Object.keys(after).filter((field) => asText(before[field]) !== asText(after[field]));
  const pick = (values: AuditValues): AuditValues =>
    redact(Object.fromEntries(changed.map((field) => [field, values[field] ?? null])), rules);
  return { oldValues: pick(before), newValues: pick(after) };
}

/** One field of a change, as a history shows it. */
export interface FieldChange {
  readonly field: string;
  readonly old: unknown;
  readonly new: unknown;
}

/** The old and new values of an audit row as a list of changed fields, in their order. */
export function diffOf(oldValues: AuditValues | null, newValues: AuditValues | null): FieldChange[] {
  const fields = new Set([...Object.keys(oldValues ?? {}), ...Object.keys(newValues ?? {})]);
  return [...fields]
    .map((field) => ({ field, old: oldValues?.[field] ?? null, new: newValues?.[field] ?? null }))
    .filter((change) => change.old === null || asText(change.old) !== asText(change.new) || isMasked(change.old));
}

function redacted(field: string, value: unknown, rules: RedactionRules): unknown {
  if (value === null || value === undefined) return null;
  if (rules.secret.includes(field)) return '[redacted]';
  return rules.personal.includes(field) && typeof value === 'string' ? masked(value) : value;
}

/** `a***@e***` of an address, `a***` of a name: enough to recognise one's own, too little to learn it. */
function masked(value: string): string {
  return value
    .split('@', 2)
    .map((part) => `${firstCharacter(part)}***`)
    .join('@');
}

/** Two different values may mask to the same text; that they stand in the row means that they differed. */
function isMasked(value: unknown): boolean {
  return typeof value === 'string' && (value.includes('***') || value === '[redacted]');
}

function asText(value: unknown): string {
  return JSON.stringify(value instanceof Date ? value.toISOString() : (value ?? null));
}

function firstCharacter(text: string): string {
  const code = text.codePointAt(0);
  return code === undefined ? '' : String.fromCodePoint(code);
}
