import type { AnyTool } from './tool.ts';

/** Every tool, in the order in which help shows them. */
export const catalogue: readonly AnyTool[] = [];
