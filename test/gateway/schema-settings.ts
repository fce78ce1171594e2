import type { z } from 'zod';

/** A setting of a schema: its path, and its default as JSON; `required`, `optional` otherwise. */
export interface Setting {
  readonly path: string;
  readonly fallback: string;
}

interface Def {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly defaultValue?: unknown;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
}

const defOf = (schema: z.ZodType): Def => (schema as unknown as { def: Def }).def;

/** Every setting of a schema. Objects and lists of objects are left out themselves. */
export function settingsOf(schema: z.ZodType, path = '', fallback = 'required'): Setting[] {
  const def = defOf(schema);
  const own = (inner: z.ZodType | undefined, next = fallback): Setting[] =>
    settingsOf(inner!, path, next);
  switch (def.type) {
    case 'optional':
      return own(def.innerType, 'optional');
    case 'default':
      return own(def.innerType, JSON.stringify(def.defaultValue));
    case 'prefault':
      return own(def.innerType);
    case 'pipe':
      return own(defOf(def.out!).type === 'transform' ? def.in : def.out);
    case 'array': {
      const inner = settingsOf(def.element!, `${path}[]`);
      const isOfObjects = inner.some((setting) => setting.path !== `${path}[]`);
      return isOfObjects ? inner : [{ path, fallback }];
    }
    case 'object':
      return Object.entries(def.shape!).flatMap(([name, member]) =>
        settingsOf(member, path === '' ? name : `${path}.${name}`),
      );
    case 'union': {
      const objects = def.options!.filter((option) => defOf(option).type === 'object');
      if (objects.length < 2) return [{ path, fallback }];
      const all = objects.flatMap((option) => settingsOf(option, path));
      return [...new Map(all.map((setting) => [setting.path, setting])).values()];
    }
    default:
      return [{ path, fallback }];
  }
}
