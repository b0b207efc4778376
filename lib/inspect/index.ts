export { inspect } from './inspect';
export type { ImageFile, ImageSource, InspectOptions, VolumeKey } from './options';
export type * from './report';
