/** True for types that are the same to the letter: `any` equals only `any`, and `string` not `string | undefined`. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** `is<Expected>()(value, true)` compiles when the type of the value is exactly the expected one. */
export const is =
  <Expected>() =>
  <Actual>(value: Actual, equal: Equal<Actual, Expected>): void =>
    void [value, equal];

/** `same<A, B>(true)` likewise, for types. */
export const same = <A, B>(equal: Equal<A, B>): void => void equal;
