/** Key of the one method through which every generated method makes its call. */
export const invoke: unique symbol = Symbol('guestfs.invoke');
