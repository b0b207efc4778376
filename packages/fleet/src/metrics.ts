// Metrics of a worker, for Prometheus. Needs the package `prom-client`, which is loaded when they are asked for.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { CallDiagnostics, PhaseDiagnostics } from 'guestfs';
import type { Registry } from 'prom-client';
import { FleetError } from './errors';
import type { FinishedJob, FleetWorker } from './worker';

/** Upper bounds of durations, in seconds: from jobs without an appliance to inspections under emulation. */
const buckets = [0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3600];

/** A phase of a launch that lasts. */
interface Entered {
  readonly phase: string;
  readonly at: number;
}

/** Counts what a worker does, until it is disposed of. */
export interface WorkerMetrics extends Disposable {
  /** Registry of prom-client in which the metrics are. */
  readonly registry: Registry;
}

/**
 * Counts what a worker does: jobs by task and outcome, their durations, failures by code, launches by the way in which
 * they came up, and the durations of launches and of their phases. Launches are those of the whole process.
 *
 * @param registry - registry of `prom-client`; default: a new one
 * @throws FleetError `ERR_GUESTFS_FLEET_DRIVER` where that package is missing
 */
export function workerMetrics(worker: FleetWorker, registry?: Registry): WorkerMetrics {
  const { Counter, Gauge, Histogram, Registry } = promClient();
  const into = registry ?? new Registry();
  const registers = [into];
  const counter = <T extends string>(name: string, help: string, labelNames: T[]) =>
    new Counter<T>({ ...{ name, help, labelNames, registers } });
  const seconds = <T extends string>(name: string, help: string, labelNames: T[]) =>
    new Histogram<T>({ ...{ name, help, labelNames, registers, buckets } });
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      ...{ name, help, registers },
      collect() {
        this.set(value());
      },
    });

  const jobs = counter('guestfs_fleet_jobs_total', 'Jobs that have ended here.', ['task', 'outcome']);
  const failures = counter('guestfs_fleet_failures_total', 'Jobs that have failed here.', ['task', 'code']);
  const durations = seconds('guestfs_fleet_job_seconds', 'Durations of jobs.', ['task', 'outcome']);
  const launches = counter('guestfs_launches_total', 'Launches, by how they ended.', ['from']);
  const launching = seconds('guestfs_launch_seconds', 'Durations of launches.', ['from']);
  const phases = seconds('guestfs_launch_phase_seconds', 'Durations of the phases of launches.', ['phase']);
  gauge('guestfs_fleet_running', 'Jobs that run.', () => worker.running);
  gauge('guestfs_fleet_concurrency', 'Jobs that may run at a time.', () => worker.concurrency);

  const onFinished = ({ task, outcome, ms, code = 'none' }: FinishedJob) => {
    jobs.inc({ task, outcome });
    durations.observe({ task, outcome }, ms / 1000);
    if (outcome === 'failed') failures.inc({ task, code });
  };
  const entered = new WeakMap<object, Entered>();
  const leave = (call: object) => {
    const last = entered.get(call);
    if (last) phases.observe({ phase: last.phase }, (performance.now() - last.at) / 1000);
    entered.delete(call);
  };
  const onPhase = (message: unknown) => {
    const { call, phase } = message as PhaseDiagnostics;
    leave(call);
    if (phase !== 'ready') entered.set(call, { phase, at: performance.now() });
  };
  const onCallEnd = (message: unknown) => {
    const { operation, launchWay, duration = 0, error } = message as CallDiagnostics;
    if (operation !== 'launch') return;
    leave(message as object);
    const from = error ? 'failed' : (launchWay?.from ?? 'boot');
    launches.inc({ from });
    launching.observe({ from }, duration / 1000);
  };
  worker.on('finished', onFinished);
  subscribe('guestfs:phase', onPhase);
  subscribe('tracing:guestfs:call:asyncEnd', onCallEnd);
  return {
    registry: into,
    [Symbol.dispose]() {
      worker.off('finished', onFinished);
      unsubscribe('guestfs:phase', onPhase);
      unsubscribe('tracing:guestfs:call:asyncEnd', onCallEnd);
    },
  };
}

function promClient(): typeof import('prom-client') {
  try {
    return require('prom-client') as typeof import('prom-client');
  } catch (cause) {
    const problem = 'the package prom-client is missing: npm install prom-client';
    throw new FleetError('ERR_GUESTFS_FLEET_DRIVER', problem, { cause });
  }
}
