import type { CallOptions } from '../options/types';

export type MakeCall = <T>(method: string, args?: readonly unknown[], options?: CallOptions) => Promise<T>;
