import { z } from 'zod';

/** What the serializer of an answer is compiled from. */
export function replySchemaOf(schema: z.ZodType): object {
  return z.toJSONSchema(schema, { target: 'draft-7', io: 'output', unrepresentable: 'any', override: foldNull });
}

/**
 * What may be null comes as a choice of two schemas, and to tell which of them a value fits the compiled serializer runs
 * a validator for each such field of each answer. Said as `nullable`, it looks whether the value is null.
 */
function foldNull({ jsonSchema }: { readonly jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  const [other, none, ...more] = jsonSchema.anyOf ?? [];
  if (!other || none?.type !== 'null' || more.length > 0) return;
  // A validator takes `nullable` for a part of `type`, and null for a value that an enumeration must list.
  if (typeof other.type !== 'string' || other.enum || 'const' in other) return;
  delete jsonSchema.anyOf;
  Object.assign(jsonSchema, other, { nullable: true });
}
