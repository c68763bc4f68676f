import { AsyncLocalStorage } from 'node:async_hooks';
import { SpanStatusCode, trace } from '@opentelemetry/api';

/** What a piece of work is about: ids and names of our own code, never what somebody wrote. */
export type Ids = Readonly<Record<string, string | number | undefined>>;

const about = new AsyncLocalStorage<Ids>();

/** The ids of the work that is going on, for each of its log lines. */
export const currentIds = (): Ids => about.getStore() ?? {};

/**
 * Runs `work` as a span called `name` (where traces are configured; otherwise that costs nothing), and puts its ids on every line that
 * is logged meanwhile. Of an error a span keeps the kind only: messages may hold what people wrote.
 */
export function traced<R>(name: string, ids: Ids, work: () => Promise<R>): Promise<R> {
  const attributes = Object.fromEntries(
    Object.entries(ids).flatMap(([key, value]) => (value === undefined ? [] : [[`drover.${key}`, value]])),
  );
  return trace.getTracer('drover').startActiveSpan(name, { attributes }, async span => {
    try {
      return await about.run({ ...currentIds(), ...ids }, work);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'unknown' });
      throw error;
    } finally {
      span.end();
    }
  });
}
