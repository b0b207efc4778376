import type { ProgressEvent } from '../options/types';
import type { Stage } from './hold';

/** The numbers of a progress message; 0 where it is not one of libguestfs's. */
interface Source {
  readonly procNr: number;
  readonly serial: number;
}

/** A progress message of libguestfs, during a stage of its operation if that has stages. */
export function progressEvent(
  operation: string,
  { procNr, serial }: Source,
  position: bigint,
  total: bigint,
  stage: Stage | undefined,
): ProgressEvent {
  return {
    operation,
    procNr,
    serial,
    position,
    total,
    ratio: total === 0n ? 0 : Number(position) / Number(total),
    pulse: total === 1n,
    ...(stage && { phase: stage.phase, elapsed: Date.now() - stage.began }),
  };
}

/** An operation enters a stage, which is progress even where libguestfs says nothing of it. */
export function stageEvent(operation: string, stage: Stage): ProgressEvent {
  return progressEvent(operation, { procNr: 0, serial: 0 }, stage.position, stage.total, stage);
}
