// Which files of a tree belong to the system itself, and not to its users or to systems that lie in it.

/** Trees of other systems: containers, snapshots, stores whose files are links. */
const others =
  /^\/(?:proc|sys|dev|run|ostree\/repo|nix\/store|gnu\/store|snap|\.snapshots|home\/\.snapshots)\/|^\/var\/(?:run|lib\/(?:docker|containers|containerd|machines|lxc|lxd|incus|snapd|flatpak|libvirt))\/|^\/sysroot\//;

export const isOfAnother = (path: string): boolean => others.test(path);

/** Where everybody may leave files, or users have theirs. */
const common =
  /^\/(?:home|tmp|media|mnt|srv|usr\/home)(?:\/|$)|^\/var\/(?:tmp|lock|spool\/(?:mail|cron))(?:\/|$)|^\/lost\+found$/;

export const isOfSystem = (path: string): boolean => !isOfAnother(path) && !common.test(path);
