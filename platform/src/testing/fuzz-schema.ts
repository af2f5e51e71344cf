/**
 * Whether a value fits a JSON Schema of the kind that our OpenAPI documents hold. A keyword that is not known here
 * throws: an unread rule would make every check behind it worthless.
 */

export type JsonSchema = Readonly<Record<string, unknown>>;

interface Place {
  /** What `$ref` starts from. */
  readonly document: JsonSchema;
  /** Where in the value we are, for the sentence. */
  readonly at: string;
}

type Rule = (value: unknown, wanted: unknown, place: Place, schema: JsonSchema) => readonly string[];

const faultsMax = 10;

/** What is wrong with a value, one sentence each; empty where it fits. */
export function schemaFaults(value: unknown, schema: JsonSchema, document: JsonSchema, at = '$'): readonly string[] {
  const place = { document, at };
  return Object.entries(schema)
    .flatMap(([keyword, wanted]) => {
      if (silentKeywords.has(keyword)) return [];
      const rule = rules[keyword];
      if (!rule) throw new Error(`The schema at ${at} has the keyword "${keyword}", which is not checked`);
      return rule(value, wanted, place, schema);
    })
    .slice(0, faultsMax);
}

/** What a local reference such as `#/components/schemas/Problem` names. Throws an Error where it names nothing. */
export function resolveReference(reference: string, document: JsonSchema): JsonSchema {
  const parts = reference.startsWith('#/') ? reference.slice(2).split('/') : [];
  const found = parts
    .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((holder, part) => (isRecord(holder) ? holder[part] : undefined), document);
  if (parts.length === 0 || !isRecord(found)) throw new Error(`The reference ${reference} leads nowhere`);
  return found;
}

export function isRecord(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Words about a schema, and those that another rule reads. */
const silentKeywords = new Set(['description', 'title', 'example', 'examples', 'default', 'deprecated', '$schema']);

const rules: Readonly<Record<string, Rule>> = {
  $ref: (value, wanted, { document, at }) =>
    schemaFaults(value, resolveReference(String(wanted), document), document, at),
  type: (value, wanted, { at }) => {
    const types = Array.isArray(wanted) ? (wanted as unknown[]) : [wanted];
    return types.some((type) => isOfType(value, String(type))) ? [] : [`${at} should be ${types.join(' or ')}`];
  },
  enum: (value, wanted, { at }) =>
    (wanted as unknown[]).some((option) => isSame(option, value)) ? [] : [`${at} should be one of the enumeration`],
  const: (value, wanted, { at }) => (isSame(wanted, value) ? [] : [`${at} should be ${JSON.stringify(wanted)}`]),
  anyOf: (value, wanted, place) => (countFits(value, wanted, place) > 0 ? [] : [`${place.at} fits none of anyOf`]),
  oneOf: (value, wanted, place) => (countFits(value, wanted, place) === 1 ? [] : [`${place.at} fits not one of oneOf`]),
  allOf: (value, wanted, { document, at }) =>
    (wanted as JsonSchema[]).flatMap((schema) => schemaFaults(value, schema, document, at)),
  properties: (value, wanted, { document, at }) => {
    if (!isRecord(value)) return [];
    return Object.entries(wanted as Record<string, JsonSchema>).flatMap(([name, schema]) =>
      Object.hasOwn(value, name) ? schemaFaults(value[name], schema, document, `${at}.${name}`) : [],
    );
  },
  required: (value, wanted, { at }) =>
    isRecord(value)
      ? (wanted as string[]).filter((name) => !Object.hasOwn(value, name)).map((name) => `${at}.${name} is missing`)
      : [],
  additionalProperties: (value, wanted, { document, at }, schema) => {
    if (!isRecord(value) || wanted === true) return [];
    const known = Object.keys(isRecord(schema['properties']) ? schema['properties'] : {});
    return Object.keys(value)
      .filter((name) => !known.includes(name))
      .flatMap((name) =>
        isRecord(wanted)
          ? schemaFaults(value[name], wanted, document, `${at}.${name}`)
          : [`${at}.${name} should not be there`],
      );
  },
  propertyNames: (value, wanted, { document, at }) =>
    isRecord(value)
      ? Object.keys(value).flatMap((name) => schemaFaults(name, wanted as JsonSchema, document, `${at} name ${name}`))
      : [],
  items: (value, wanted, { document, at }) =>
    Array.isArray(value)
      ? value.flatMap((item, index) => schemaFaults(item, wanted as JsonSchema, document, `${at}[${index}]`))
      : [],
  minimum: (value, wanted, { at }) =>
    typeof value === 'number' && value < Number(wanted) ? [`${at} is below ${String(wanted)}`] : [],
  maximum: (value, wanted, { at }) =>
    typeof value === 'number' && value > Number(wanted) ? [`${at} is above ${String(wanted)}`] : [],
  minLength: (value, wanted, { at }) =>
    typeof value === 'string' && codePoints(value) < Number(wanted) ? [`${at} is too short`] : [],
  maxLength: (value, wanted, { at }) =>
    typeof value === 'string' && codePoints(value) > Number(wanted) ? [`${at} is too long`] : [],
  minItems: (value, wanted, { at }) =>
    Array.isArray(value) && value.length < Number(wanted) ? [`${at} has too few items`] : [],
  maxItems: (value, wanted, { at }) =>
    Array.isArray(value) && value.length > Number(wanted) ? [`${at} has too many items`] : [],
  pattern: (value, wanted, { at }) =>
    typeof value === 'string' && !new RegExp(String(wanted), 'u').test(value) ? [`${at} does not fit its pattern`] : [],
  format: (value, wanted, { at }) => {
    const test = formats[String(wanted)];
    if (!test) throw new Error(`The schema at ${at} has the format "${String(wanted)}", which is not checked`);
    return typeof value === 'string' && !test(value) ? [`${at} should be a ${String(wanted)}`] : [];
  },
};

/** RFC 3339, RFC 9562 and RFC 3986, as far as our documents use them. */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (text) => /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/.test(text) && !Number.isNaN(Date.parse(text)),
  uuid: (text) => /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i.test(text),
  uri: (text) => URL.canParse(text),
  email: (text) => /^[^@\s]+@[^@\s]+$/.test(text),
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)),
  password: () => true,
};

function countFits(value: unknown, options: unknown, { document, at }: Place): number {
  return (options as JsonSchema[]).filter((schema) => schemaFaults(value, schema, document, at).length === 0).length;
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isRecord(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

/** JSON Schema counts characters as code points, and `length` does not. */
function codePoints(text: string): number {
  return Array.from(text).length;
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
