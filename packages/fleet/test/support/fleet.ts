import { Fleet, FleetWorker, type FleetWorkerOptions } from '../../src';
import { type Server, type ServerKind, servers } from './servers';

/** A server of its own, a worker and a client, which end together. */
export interface WholeFleet {
  readonly server: Server;
  readonly worker: FleetWorker;
  readonly fleet: Fleet;
  end(): Promise<void>;
}

/** Time in which a fleet comes up and ends, milliseconds. */
export const fleetTimeout = 60_000;

export async function startFleet(kind: ServerKind, options: FleetWorkerOptions): Promise<WholeFleet> {
  const server = await servers[kind]();
  const worker = new FleetWorker({ ...options, ...server.connection });
  await worker.start();
  const { tasks, telemetry } = options;
  const fleet = new Fleet({ ...server.connection, tasks, telemetry });
  return {
    ...{ server, worker, fleet },
    async end() {
      await fleet.close();
      await worker.close();
      await server.stop();
    },
  };
}
