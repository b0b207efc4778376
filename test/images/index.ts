/**
 * Real disk images for the tests, made when first asked for and kept in
 * `${XDG_CACHE_HOME:-~/.cache}/guestfs-node/test-images` (delete it freely). Every run shares them: open them
 * read-only, or through an overlay.
 */
export { debianTree, installedPackages, readFromTree } from './debian-tree';
export { debianLvm, debianMbr, luksDisk, multiFs, type TestFilesystem } from './disks';
export { bootableIso } from './iso';
export { qcow2Overlay } from './overlay';
export { emptyDisk, missing, notADisk, unreadable } from './plain';
export { type RootsGuest, rootsGuest } from './roots';
export { makeWindows } from './windows';
