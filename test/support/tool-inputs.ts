import { z } from 'zod';
import type { AnyTool } from '../../src/tools/tool.ts';

/** As much of a JSON Schema as tool inputs use. */
interface Schema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  format?: string;
  pattern?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minItems?: number;
  minimum?: number;
  anyOf?: Schema[];
}

export const schemaOf = (tool: AnyTool): Schema => z.toJSONSchema(tool.input, { io: 'input' }) as Schema;

/** A field of a tool's input that takes free text: alone, or as the items of an array. */
export interface TextField {
  name: string;
  isArray: boolean;
  fewest: number;
}

const takesText = (schema: Schema | undefined): boolean =>
  schema?.type === 'string' && !schema.enum && !schema.pattern && schema.format !== 'date';

export const textFields = (tool: AnyTool): TextField[] =>
  Object.entries(schemaOf(tool).properties ?? {}).flatMap(([name, schema]): TextField[] =>
    takesText(schema)
      ? [{ name, isArray: false, fewest: 1 }]
      : schema.type === 'array' && takesText(schema.items)
        ? [{ name, isArray: true, fewest: schema.minItems ?? 1 }]
        : [],
  );

/** The least that a tool accepts: what is required, each from `known` by its name, else the plainest value of its type. */
export function leastInput(tool: AnyTool, known: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { properties = {}, required = [] } = schemaOf(tool);
  return Object.fromEntries(required.map(name => [name, known[name] ?? plainest(properties[name]!)]));
}

function plainest(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return plainest(schema.anyOf[0]!);
  switch (schema.type) {
    case 'string':
      return schema.format === 'date' ? '2026-03-10' : 'x';
    case 'number':
    case 'integer':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => plainest(schema.items!));
    default:
      return Object.fromEntries((schema.required ?? []).map(name => [name, plainest(schema.properties![name]!)]));
  }
}
