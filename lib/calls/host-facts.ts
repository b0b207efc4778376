// What the facts of a function say of this machine.
import type { ImageFile } from '../host/image-types';
import type { NumberedFunction } from '../native/addon';
import type { FunctionFacts } from '../native/facts';

/** Whether a call makes files or runs a program on this machine: what fails is then most likely there, or an image. */
export function worksOnHost({ program, drives }: FunctionFacts): boolean {
  return program !== undefined || drives?.do === 'add';
}

/** Value of the argument or the option of that name, if there is one. */
export function valueNamed(
  fn: NumberedFunction,
  name: string | undefined,
  args: readonly unknown[],
  options: object | undefined,
): unknown {
  if (name === undefined) return undefined;
  const place = fn.arguments.indexOf(name);
  return place >= 0 ? args[place] : (options as Record<string, unknown> | undefined)?.[name];
}

/** Image on this machine that a call is about, if it is about one. */
export function openedImage(
  fn: NumberedFunction,
  args: readonly unknown[],
  options: object | undefined,
): ImageFile | undefined {
  const value = (name: string | undefined) => valueNamed(fn, name, args, options);
  if (!fn.image || (value(fn.image.protocol) ?? 'file') !== 'file') return undefined;
  const [path, format] = [value(fn.image.path), value(fn.image.format)];
  if (typeof path !== 'string') return undefined;
  return { path, format: typeof format === 'string' ? format : undefined };
}
