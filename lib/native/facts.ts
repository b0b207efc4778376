/**
 * What `api/` says of a libguestfs function beyond how it is called. Names are those of the function's arguments and
 * options.
 */
export interface FunctionFacts {
  /** The function only looks at the handle, or changes it: it never waits, nor touches a file. */
  readonly instant?: true;
  /** Program that the function runs on the host, and whose failure is the function's. */
  readonly program?: string;
  /**
   * Disk image that is opened, by this program or, once it is a drive, by the appliance; none where `protocol` is another
   * than `'file'`.
   */
  readonly image?: { readonly path: string; readonly format?: string; readonly protocol?: string };
  /** What the function does with the list of drives. The same call adds a drive again; `label` tells which it is. */
  readonly drives?:
    | { readonly do: 'list'; readonly label?: undefined }
    | { readonly do: 'add'; readonly label?: string }
    | { readonly do: 'remove'; readonly label: string };
  /** The function starts the appliance, or ends it on purpose: then libguestfs forgets the drives. */
  readonly appliance?: 'starts' | 'ends';
  /** The function runs a program of the guest, whose words may be the message of a failure. */
  readonly guestProgram?: true;
  /** The function promises that what was written before is on the disk once it has returned. */
  readonly flushes?: true;
  /** The function works only while libvirt waits for an answer. */
  readonly answersLibvirt?: true;
  /** What the function refuses stands in the environment. */
  readonly readsEnvironment?: true;
  /** Words that an option takes, where libguestfs loses its appliance over any other. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
  /** Argument that names the file, folder or device of the guest to which the function writes, and loses the errno of that. */
  readonly losesErrno?: string;
  /** Methods that take any size, where the function's message would be too large for libguestfs's protocol. */
  readonly instead?: readonly string[];
}
