// The commands that launch one guest.
import { type Arguments, parseArguments } from './arguments';
import type { Command, Description } from './command';
import { launchArguments, mountArguments } from './options';
import { type Access, Session, type Work } from './session';

/** A command that works with one guest. */
export interface GuestCommand {
  readonly description: Description;
  readonly access: Access;
  /**
   * Reads the command's own arguments; the first operand is the image.
   *
   * @throws UsageError
   */
  plan(args: Arguments): Work;
  /** Looks for what is wrong before anything is launched. @throws UsageError */
  check?(args: Arguments): Promise<void>;
}

export function guestCommand({ description, access, plan, check }: GuestCommand): Command {
  return {
    description,
    async run(args, signal) {
      const parsed = parseArguments(description, args);
      const launch = launchArguments(parsed);
      const work = plan(parsed);
      await check?.(parsed);
      const paths = [parsed.operands[0] as string, ...parsed.values('add')];
      const mount = mountArguments(parsed);
      return await new Session({ name: description.name, access, launch, mount, signal }).run(paths, work);
    },
  };
}
