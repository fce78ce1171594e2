import type { z } from 'zod';

/** One leaf of a schema, as it is written in a file: `buses[].devices[].unitId`. */
export interface SchemaMember {
  readonly path: string;
  readonly isRequired: boolean;
  /** JSON of the default; null: none. */
  readonly defaultJson: string | null;
}

type Def = z.core.$ZodTypeDef & {
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly element?: z.core.$ZodType;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly defaultValue?: unknown;
};

const defOf = (schema: z.core.$ZodType): Def => schema._zod.def as Def;

/** Leaves of an object schema, in its order; lists of objects are walked, records and tuples not. */
export function membersOf(schema: z.core.$ZodType): SchemaMember[] {
  return walk(schema, '', { isRequired: true, defaultJson: null });
}

function walk(
  schema: z.core.$ZodType,
  path: string,
  known: Pick<SchemaMember, 'isRequired' | 'defaultJson'>,
): SchemaMember[] {
  const def = defOf(schema);
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape ?? {}).flatMap(([name, member]) =>
        walk(member, path === '' ? name : `${path}.${name}`, {
          isRequired: true,
          defaultJson: null,
        }),
      );
    case 'array': {
      const element = unwrapped(def.element as z.core.$ZodType);
      if (defOf(element).type !== 'object') return [{ path, ...known }];
      return walk(element, `${path}[]`, known);
    }
    case 'default':
      return walk(def.innerType as z.core.$ZodType, path, {
        isRequired: false,
        defaultJson: JSON.stringify(def.defaultValue),
      });
    case 'optional':
    case 'prefault':
      return walk(def.innerType as z.core.$ZodType, path, { ...known, isRequired: false });
    case 'nullable':
    case 'readonly':
      return walk(def.innerType as z.core.$ZodType, path, known);
    case 'pipe':
      return walk(def.in as z.core.$ZodType, path, known);
    default:
      return [{ path, ...known }];
  }
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  const def = defOf(schema);
  const inner = def.type === 'pipe' ? def.in : def.innerType;
  return inner === undefined ? schema : unwrapped(inner);
}
