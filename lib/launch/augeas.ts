/**
 * Key of the mark on a handle that nobody will use augeas on: its appliance needs the lenses of libguestfs's inspection
 * and no others.
 */
export const withoutAugeas: unique symbol = Symbol('guestfs.withoutAugeas');
