// Telemetry of BullMQ, as far as jobs have a say in it.
import type { ContextManager, Telemetry } from 'bullmq';

/**
 * A job names the span that it goes on from, and jobs are input from the network: a name that cannot be read is none, where
 * BullMQ would end the worker.
 */
export function guarded({ tracer, meter, contextManager: manager }: Telemetry): Telemetry {
  const contextManager: ContextManager = {
    active: () => manager.active(),
    with: (context, work) => manager.with(context, work),
    ...(manager.root && { root: () => manager.root?.() }),
    getMetadata: (context) => manager.getMetadata(context),
    fromMetadata(active, metadata) {
      try {
        return manager.fromMetadata(active, metadata);
      } catch {
        return active;
      }
    },
  };
  return { tracer, contextManager, ...(meter && { meter }) };
}
