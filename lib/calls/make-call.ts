import type { CallOptions } from '../options/types';

/** Makes a call by the name of its method, as a part of something larger. */
export type MakeCall = <T>(method: string, args?: readonly unknown[], options?: CallOptions) => Promise<T>;
